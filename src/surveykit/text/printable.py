"""Text of unknown origin on a terminal."""


def printable(text: str) -> str:
    """Text that stays on its line and cannot steer a terminal: the rest is escaped."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )
