"""Detectors of poisoned pictures in a training set, and of triggered inputs at use."""
