"""Sparse black-box attacks that search by a classifier's answers alone."""
