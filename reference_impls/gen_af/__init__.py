"""Gen-AF: fine-tune a downstream model so that downstream-agnostic attacks fail."""
