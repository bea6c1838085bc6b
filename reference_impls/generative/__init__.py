"""Networks that are trained once and then perturb an image in one forward pass: GAP, CDA."""
