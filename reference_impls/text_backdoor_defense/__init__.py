"""Backdoors of fine-tuned language encoders: odd words leave the input, or clean weights enter the model."""
