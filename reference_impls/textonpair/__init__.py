"""Text-on-Pair: a backdoor in a CLIP that obeys a text."""
