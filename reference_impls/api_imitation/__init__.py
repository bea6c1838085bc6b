"""Copies of a fine-tuned classifier, made from what its API answers."""
