"""Embedding inversion: what a sentence embedding tells of the words and people in its sentence."""
