"""Attacks that several methods share."""
