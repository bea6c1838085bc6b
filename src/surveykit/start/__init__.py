"""A survey of another field: what was asked for -> the files of its repository."""
