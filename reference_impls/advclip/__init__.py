"""AdvCLIP: one patch that breaks every task built on a CLIP."""
