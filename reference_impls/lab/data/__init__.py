"""Datasets and images: nothing here knows a method."""
