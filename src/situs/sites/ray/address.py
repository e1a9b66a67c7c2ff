"""Addresses of Ray's dashboard."""

from __future__ import annotations

from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def address_of(text: str) -> str:
    """An address that a token may be sent to. Raises ValueError."""
    parts = urlsplit(text)
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return text
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query:
        raise ValueError(
            f"{text!r} is no address of a Ray dashboard; write it as https://ray.example, or as "
            "http://127.0.0.1:8265 where a tunnel leads there"
        )
    return text
