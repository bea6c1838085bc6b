"""Membership inference on an image encoder: EncoderMI."""
