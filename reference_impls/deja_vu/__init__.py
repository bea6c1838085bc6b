"""What an encoder remembers of the pictures that it learned from."""
