"""Marks that show whose encoder somebody else's encoder is."""
