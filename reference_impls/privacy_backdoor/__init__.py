"""An encoder that makes whoever fine-tunes it tell what it was fine-tuned on."""
