"""Backdoors through poisoned labelled sentences: the encoder that is fine-tuned on them is clean."""
