"""Backdoors taken out of a CLIP by fine-tuning on a few clean pairs."""
