"""AdvEncoder: one perturbation or patch that fools whatever inherits an encoder."""
