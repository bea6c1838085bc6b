"""Randomized smoothing of a pre-trained classifier, with a denoiser before it."""
