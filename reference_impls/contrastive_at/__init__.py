"""Pre-training without labels that meets attacked images: ACL, RoCL, adversarial rotation."""
