"""Model files are judged before anything in them can run: by what they may call, never by calling it."""
