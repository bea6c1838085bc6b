"""Memorisation: what a language model keeps of people in its training texts."""
