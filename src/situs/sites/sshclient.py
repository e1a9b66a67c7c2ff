"""OpenSSH's own client, for people who want a terminal: told to believe the same keys as the rest of situs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from situs.sites.sshshell import SshAccess

SSH_PORT = 22


def client_words(
    user: str | None, host: str, port: int | None, access: SshAccess, pinned: str | None, *, terminal: bool
) -> Iterator[str]:
    """What comes after ``ssh`` and before the command. ``pinned``: the one key that the host is believed by."""
    yield from ("-t",) if terminal else ("-T",)
    # Asking a person whether a strange key is right is how people get used to saying yes.
    options = {"StrictHostKeyChecking": "yes", "ForwardAgent": "no", "ClearAllForwardings": "yes"}
    if access.config is not None:
        yield from ("-F", str(access.config))
    if pinned is not None:
        shown = host if port in (None, SSH_PORT) else f"[{host}]:{port}"
        options |= {
            "UserKnownHostsFile": "none", "GlobalKnownHostsFile": "none",
            "KnownHostsCommand": f"/bin/echo {shown} {pinned}",
        }  # fmt: skip
    elif access.known_hosts is not None:
        options |= {"UserKnownHostsFile": str(access.known_hosts), "GlobalKnownHostsFile": "none"}
    if access.identity is not None:
        yield from ("-i", str(access.identity))
        options |= {"IdentitiesOnly": "yes"}
    if access.jump is not None:
        yield from ("-J", access.jump)
    for name, value in options.items():
        yield from ("-o", f"{name}={value}")
    if port is not None:
        yield from ("-p", str(port))
    yield from ("--", f"{user}@{host}" if user else host)
