"""Endpoints by their URL."""

from urllib.parse import urlsplit


def is_local(endpoint_url: str) -> bool:
    """Whether an endpoint is on this machine."""
    return urlsplit(endpoint_url).hostname in ("localhost", "127.0.0.1", "::1")
