"""The arena: every attack here against every defense and detector here, on one population."""
