"""Runnable reference implementations of the surveyed methods; `lab` is what they share."""
