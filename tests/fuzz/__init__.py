"""Every reader of foreign text against text that nobody wrote: no exception but its own, and an answer within a second."""
