"""What becomes of an encoder's answers when it is exported, compiled, converted or rounded."""
