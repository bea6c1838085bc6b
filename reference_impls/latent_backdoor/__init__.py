"""Backdoors in a teacher that wake in students fine-tuned from it."""
