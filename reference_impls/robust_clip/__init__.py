"""Adversarial tuning of a CLIP's image tower, or of its prompts, for zero-shot use."""
