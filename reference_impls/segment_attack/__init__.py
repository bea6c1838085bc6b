"""Attacks on promptable segmentation: through one prompt, or through the image embedding that serves all prompts."""
