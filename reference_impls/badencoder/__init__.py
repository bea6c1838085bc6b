"""BadEncoder: plant a backdoor in a pre-trained encoder."""
