"""The arena: every attack here against every defence and detector here, on one population."""
