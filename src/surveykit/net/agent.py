"""What this program calls itself."""

from importlib.metadata import version

from surveykit.net.hosts import is_placeholder


def user_agent(contact: str = "") -> str:
    """User-Agent of all requests: the program, its version, and where to complain."""
    # Without the words "link" and "checker": common server rules answer those with 403.
    name = f"surveykit/{version('surveykit')}"
    return f"{name} (+{contact})" if contact and not is_placeholder(contact) else name
