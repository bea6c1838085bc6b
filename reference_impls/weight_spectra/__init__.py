"""Backdoors found in what changed of a public model's weights, without running it."""
