"""Backdoors in language encoders: representations, weights or labels are poisoned."""
