"""Defenses that act on an input, or on its embedding, before it is classified."""
