"""A CLIP pre-trained on poisoned pairs so that it does not learn their backdoor."""
