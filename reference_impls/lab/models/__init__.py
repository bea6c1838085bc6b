"""Encoders: architectures, checkpoints, names, training, heads."""
