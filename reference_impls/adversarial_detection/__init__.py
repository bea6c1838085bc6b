"""Detectors of adversarial images: is what arrives an attack, and what if the attacker knows the detector?"""
