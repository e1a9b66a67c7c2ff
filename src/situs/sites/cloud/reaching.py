"""From what SkyPilot tells of a machine to a host that runs can be kept on.

The machine says through the API server, which is believed by its certificate, what its host keys are: so nobody in
between can be taken for it, though it did not exist a minute ago.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from situs.model.error import SitusError
from situs.sites.adapter import Key, Unreachable
from situs.sites.cloud.handle import address_of
from situs.sites.cloud.host import KeptHost
from situs.sites.cloud.machines import Machines
from situs.sites.cloud.server import ApiServer
from situs.sites.cloud.tunnel import ENDPOINTS, line
from situs.sites.sshshell import SshAccess, SshShell

SAYING_S = 60.0
"""A keeper starts at once where there is room for it; the way of its log to us may take ten seconds."""


class Reaching:
    """Hosts of one site's machines; each stays open once it was reached."""

    def __init__(self, server: ApiServer, machines: Machines) -> None:
        self._server = server
        self._machines = machines
        self._hosts: dict[Key, tuple[str, KeptHost]] = {}

    def host(self, key: Key, record: Mapping[str, Any] | None = None) -> KeptHost:
        """The host of a machine that is up. Raises Unreachable, and SitusError when it cannot be reached from here."""
        known = self._hosts.get(key)
        if known is not None and (record is None or known[0] == _life(record)):
            return known[1]
        record = record if record and record.get("credentials") else self._machines.one(key)
        if record is None or record["status"] != "UP":
            raise Unreachable(f"the machine of {key.workload} is not up")
        folder, keys = self._machines.said(key, SAYING_S)
        host = KeptHost(self._shell(record, keys), folder)
        self._hosts[key] = (_life(record), host)
        return host

    def leave(self, key: Key) -> None:
        """Forget the way to a machine."""
        self._hosts.pop(key, None)

    def _shell(self, record: Mapping[str, Any], keys: list[str]) -> SshShell:
        name, credentials = str(record["name"]), record.get("credentials") or {}
        private = credentials.get("ssh_private_key_content")
        if not private or not credentials.get("ssh_user"):
            raise SitusError(f"SkyPilot tells no SSH key for machine {name}")
        endpoint = ENDPOINTS.get(str(record.get("cloud")).lower())
        if endpoint is None:
            at = address_of(str(record.get("handle")))
            if at is None:
                raise SitusError(f"SkyPilot tells no address of machine {name}")
            spec = f"{credentials['ssh_user']}@{at[0]}:{at[1]}"
            way = None
        else:
            spec = f"{credentials['ssh_user']}@{name}"
            way = line(self._server.address, endpoint, name, self._server.headers)
        if not keys:
            raise SitusError(
                f"machine {name} has told no host key, so nobody can say that it is the right one"
            )
        # The user's own config is for the user's own hosts.
        access = SshAccess(
            Path("/dev/null"), host_keys={spec: "\n".join(keys)}, private_key=private, line=way
        )
        return SshShell(spec, access)


def _life(record: Mapping[str, Any]) -> str:
    """Differs when a machine was made anew under the same name."""
    return f"{record.get('cluster_hash')}/{record.get('launched_at')}"
