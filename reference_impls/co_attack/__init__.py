"""Attacks on images and texts together, against retrieval with image-text models."""
