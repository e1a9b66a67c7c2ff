"""OpenSSH's own client, for people who want a terminal: told to believe the same keys as the rest of situs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from situs.sites.sshshell import SshAccess

SSH_PORT = 22
PLACE = "host-and-port"
"""Stands where the client puts those of the host that is wanted."""


def client_words(spec: str, access: SshAccess, *, terminal: bool) -> Iterator[str]:
    """What comes after ``ssh`` and before the command. ``spec``: the host, as ``[user@]name[:port]``."""
    yield from ("-t",) if terminal else ("-T",)
    yield from _reached(spec, access)


def _reached(spec: str, access: SshAccess, passing: tuple[str, ...] = ()) -> Iterator[str]:
    """How a host is reached and believed. ``passing``: options of a host that is only on the way."""
    user, host, port = parts(spec)
    pinned = access.host_keys.get(spec)
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
        options["ProxyCommand"] = _through(access.jump, access)
    for name, value in options.items():
        yield from ("-o", f"{name}={value}")
    if port is not None:
        yield from ("-p", str(port))
    yield from (*passing, "--", f"{user}@{host}" if user else host)


def _through(jump: str, access: SshAccess) -> str:
    """The command that leads through other hosts, the last of which is reached by way of those before it.

    Not ``-J``: that believes the hosts on the way by the user's own files alone.
    """
    before, _, last = jump.rpartition(",")
    words = ["ssh", *_reached(last.strip(), replace(access, jump=before or None), ("-W", PLACE))]
    # The client reads signs of percent before a shell reads the rest; those of the hosts on the way are for them.
    return shlex.join(words).replace("%", "%%").replace(PLACE, "'[%h]:%p'")


def parts(spec: str) -> tuple[str | None, str, int | None]:
    """User, host and port of ``[user@]host[:port]``. Raises ValueError for anything else."""
    match = re.fullmatch(
        r"(?:([^@\s]+)@)?(?:\[([0-9A-Fa-f:.]+)\]|([^@:\s\[\]-][^@:\s\[\]]*))(?::(\d{1,5}))?", spec
    )
    if match is None:
        raise ValueError(f"{spec!r} is no host; write it as [user@]name[:port]")
    user, address, name, port = match.groups()
    return user, address or name, int(port) if port else None
