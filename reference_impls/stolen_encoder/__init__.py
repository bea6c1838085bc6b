"""Copies of an encoder that learn from the embeddings it returns."""
