"""Keys by which SSH hosts prove who they are: what a host showed, and which keys a site of the estate is pinned to.

A key that is pinned stands in the estate, beside the host's name: whoever runs the control plane from that estate
knows the host by it, on any machine, and a change of it is a change that people see.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from situs.model.error import SitusError


@dataclass(frozen=True)
class ShownKey:
    """What a host that was not believed showed."""

    host: str
    """as the site names it: ``[user@]name[:port]``"""
    line: str
    """type and key, as in a file of public keys"""
    fingerprint: str
    """``SHA256:...``, as ``ssh-keygen -l`` prints it"""
    others: tuple[str, ...] = ()
    """fingerprints of the keys it is known by; empty: it is not known at all"""


class NotTrusted(SitusError):
    """The host did not prove to be the one that is known by its name."""

    def __init__(self, message: str, shown: ShownKey | None = None) -> None:
        super().__init__(message)
        self.shown = shown


def pinned(text: str) -> Mapping[str, str]:
    """Host -> type and key, from ``HOST TYPE KEY`` with commas between several. Raises ValueError."""
    keys = {}
    for part in text.split(","):
        words = part.split()
        if len(words) != 3 or not re.fullmatch(r"[A-Za-z0-9+/]{40,}={0,2}", words[2]):
            raise ValueError(f"{part.strip()[:60]!r} is no host key; write it as HOST TYPE KEY")
        keys[words[0]] = f"{words[1]} {words[2]}"
    return keys


def written(keys: Mapping[str, str]) -> str:
    """The text that :func:`pinned` reads."""
    return ", ".join(f"{host} {line}" for host, line in keys.items())
