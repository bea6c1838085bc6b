"""Attacks on a model that writes about images, made on its image tower alone."""
