"""Backdoors in a learned prompt, above a CLIP that nobody touches."""
