"""Word substitutions by a masked language model that fool a classifier which only answers."""
