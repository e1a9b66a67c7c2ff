"""Which control plane is meant: that of a folder of this machine, or a server.

What is typed counts before what is in the environment, and that before what is kept in files. A folder that is named
(``-C``) is meant rather than the server that was logged in to last, but not rather than one that is named.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Literal

from situs.client.servers import HERE, Server, Servers, address_of, is_address, name_of
from situs.model.error import InputError

Source = Literal["typed", "environment"]
RANK = {"typed": 2, "environment": 1, None: 0}


@dataclass(frozen=True)
class Said:
    """What was said of where it is."""

    server: str | None = None
    """a name, an address, or ``local``"""
    server_by: Source | None = None
    database_by: Source | None = None
    """how a database was named; None: none was"""
    folder: bool = False
    """whether a folder was named"""


def chosen(servers: Servers, said: Said) -> Server | None:
    """The server that is meant, as it was kept; None: the control plane of a folder. Raises SitusError."""
    if said.server is not None and said.database_by is not None and said.server_by == said.database_by:
        how = "--server and --db" if said.server_by == "typed" else "SITUS_SERVER and SITUS_DB"
        raise InputError(f"{how} name two control planes; leave one out")
    if said.server is not None and RANK[said.server_by] > RANK[said.database_by]:
        return None if said.server == HERE else known(servers, said.server)
    if said.database_by is not None or said.folder:
        return None
    usual = servers.usual()
    return known(servers, usual) if usual is not None and usual != HERE else None


def known(servers: Servers, text: str) -> Server:
    """The server of a name or an address, with what is shown to it. Raises SitusError when there is nothing."""
    url = address_of(text) if is_address(text) else None
    kept, token = servers.find(url or text), os.environ.get("SITUS_TOKEN")
    if token and (kept is not None or url is not None):
        found = kept or Server(name_of(url or text), url or text, "")
        return replace(found, token=token.strip(), until_s=None, issuer=None, client_id=None, refresh=None)
    if kept is None:
        there = ", ".join(server.name for server in servers.everything())
        fix = f"`situs login {url or 'https://...'}`" + (f", or take one of {there}" if there else "")
        raise InputError(f"nobody has logged in to {text}; {fix}")
    return kept


def fresh(servers: Servers, server: Server) -> Server:
    """The same with a token that is still good. Raises SitusError when the login is over."""
    if not server.is_over_soon:
        return server
    # What asks over HTTP is loaded only where somebody is asked.
    from situs.client.login import renewed

    with servers.alone(server.name):
        # Somebody else may have renewed it meanwhile, and the issuer takes the old one no more.
        now = servers.find(server.name) or server
        if not now.is_over_soon:
            return now
        new = renewed(now)
        servers.keep(new)
        return new
