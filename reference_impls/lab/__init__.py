"""What the methods share: errors, images, encoders, worlds, training, heads, reports."""
