"""What the methods share: errors, images, encoders, datasets, training, heads, reports."""
