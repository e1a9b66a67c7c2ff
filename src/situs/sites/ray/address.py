"""Addresses of Ray's dashboard."""

from __future__ import annotations

from situs.sites import web


def address_of(text: str) -> str:
    """An address that a token may be sent to. Raises ValueError."""
    return web.address_of(text, "a Ray dashboard", "https://ray.example")
