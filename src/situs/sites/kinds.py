"""The kinds of sites that come with situs, and how the options of each are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from situs.model.estate import Site
from situs.model.secret import Reference, reference
from situs.sites.adapter import Adapter
from situs.sites.devices import NONE_SIMULATED
from situs.sites.hostkeys import pinned
from situs.sites.local import LocalSite
from situs.sites.registry import Kind, Option

if TYPE_CHECKING:
    from situs.sites.sshshell import SshShell

SIMULATED = "simulated"
"""What a site is told besides its options: accelerators to be taken for there."""


def yes_or_no(text: str) -> bool:
    """Reads an option. Raises ValueError."""
    if text.lower() not in ("yes", "no", "true", "false"):
        raise ValueError(f"{text!r} is neither yes nor no")
    return text.lower() in ("yes", "true")


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,5}", text):
        raise ValueError(f"{text!r} is no number from 1 on")
    return int(text)


def _host(text: str) -> str:
    from situs.sites.sshclient import parts

    parts(text)
    return text


def _hosts(text: str) -> list[str]:
    hosts = [_host(host.strip()) for host in text.split(",")]
    if len(set(hosts)) != len(hosts):
        raise ValueError(f"{text!r} names a host twice")
    return hosts


def _file(text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_file():
        raise ValueError(f"there is no file {text!r}")
    return path


def absolute(text: str) -> str:
    """Reads an option that is an absolute path over there. Raises ValueError."""
    if not re.fullmatch(r"/[\w./+-]+", text, re.ASCII):
        raise ValueError(f"{text!r} is no absolute path of letters, digits and /._+-")
    return text


ACCESS = {
    "host": Option("[user@]name[:port], where the name may be one of the SSH config", _host),
    "config": Option("SSH config file; else ~/.ssh/config", _file),
    "known_hosts": Option("file with the keys that hosts are known by; else as the SSH config says", _file),
    "host_keys": Option(
        "keys that hosts are believed by, as HOST TYPE KEY with commas between them; else those of known_hosts",
        pinned,
    ),
    "identity": Option("private key file; else those of the SSH config and of the agent", _file),
    "passphrase": Option(
        "where that of the private key is kept, as env:NAME, file:NAME or vault:PATH#KEY", reference
    ),
    "jump": Option("hosts to go through, with commas between them", lambda text: ",".join(_hosts(text))),
    "legacy": Option("yes: allow algorithms of old servers, which are not safe any more", yes_or_no),
    "sh": Option("a POSIX shell over there; else /bin/sh", absolute),
}
"""How a host is reached by SSH."""


def _simulated(site: Site, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Accelerators of one host that pools of the site stand for without having them, by model."""
    found: dict[str, int] = {}
    for pool in site.pools.values():
        if pool.simulated and pool.node is not None and pool.node.accelerators and pool.accelerator:
            # Several hosts are the nodes of a pool; one host is all of them.
            nodes = 1 if "hosts" in options else max(pool.count, pool.limit or 0, 1)
            found[pool.accelerator] = found.get(pool.accelerator, 0) + nodes * pool.node.accelerators
    return {SIMULATED: found} if found else {}


def shell_of(host: str, options: Mapping[str, Any], folder: Path) -> SshShell:
    """The shell of a host, by the options of :data:`ACCESS`."""
    from situs.sites.secrets import secret
    from situs.sites.sshshell import SshAccess, SshShell

    if isinstance(kept := options.get("passphrase"), Reference):
        options = {**options, "passphrase": lambda: secret(kept, folder)}
    given = ("config", "known_hosts", "host_keys", "identity", "passphrase", "jump", "legacy", "sh")
    return SshShell(host, SshAccess(**{name: options[name] for name in given if name in options}))


def _open_local(name: str, options: Mapping[str, Any], folder: Path) -> Adapter:
    place = options.get("folder", folder / "sites" / name / "runs")
    return LocalSite(place, options.get(SIMULATED, NONE_SIMULATED))


def _open_ssh(name: str, options: Mapping[str, Any], folder: Path) -> Adapter:
    from situs.sites.posix import PosixHost
    from situs.sites.ssh import SshSite

    hosts = options.get("hosts") or [options["host"]]
    home, sh = options.get("folder", f".situs/{name}"), options.get("sh", "/bin/sh")
    simulated = options.get(SIMULATED, NONE_SIMULATED)
    reached = {host: PosixHost(shell_of(host, options, folder), home, sh, simulated) for host in hosts}
    return SshSite(reached, options.get("slots"))


def _check_ssh(options: Mapping[str, Any]) -> Iterator[str]:
    if ("host" in options) == ("hosts" in options):
        yield "give either host or hosts"


def _pull(text: str) -> str:
    from situs.sites.container.creation import Pull

    if text not in get_args(Pull):
        raise ValueError(f"{text!r} is none of {', '.join(get_args(Pull))}")
    return text


def _models(text: str) -> dict[str, int]:
    found = {}
    for part in text.split(","):
        model, _, count = part.strip().partition(":")
        if not model or not re.fullmatch(r"[1-9][0-9]{0,3}", count):
            raise ValueError(f"{text!r} is not written as MODEL:COUNT, such as H100:4")
        found[model] = int(count)
    return found


def _open_container(name: str, options: Mapping[str, Any], folder: Path) -> Adapter:
    from situs.sites.container.creation import ContainerOptions
    from situs.sites.container.site import ContainerSite

    own = {key: value for key, value in options.items() if key not in ENGINE_ACCESS}
    told = ContainerOptions(**{"name": name, **own})
    if "host" not in options:
        return ContainerSite(told)
    from situs.sites.sshsocket import ForwardedSocket

    return ContainerSite(told, ForwardedSocket(shell_of(options["host"], options, folder), told.socket))


ENGINE_ACCESS = {name: option for name, option in ACCESS.items() if name != "sh"}
"""An engine needs no shell over there."""


def _check_container(options: Mapping[str, Any]) -> Iterator[str]:
    if "host" not in options and (alone := sorted(ENGINE_ACCESS.keys() & options.keys())):
        yield f"{', '.join(alone)}: only with a host, whose engine is reached by SSH"


CONTAINER = Kind(
    {
        "name": Option(
            "tells sites apart that share an engine, and must stay the same; else the site's name"
        ),
        **ENGINE_ACCESS,
        "socket": Option("of the engine, at its host; else /var/run/docker.sock", absolute),
        "image": Option("for workloads that name none"),
        "pull": Option("when images are fetched: missing, always or never", _pull),
        "network": Option("a network of the engine, host or none; else the engine's default"),
        "mounts": Option(
            "folders of the engine's host that every run sees, as /host:/inside or /host:/inside:ro, with commas "
            "between them",
            lambda text: tuple(part.strip() for part in text.split(",")),
        ),
        "accelerators": Option(
            "those of the engine's host, as MODEL:COUNT with commas between them; else those that the engine tells "
            "of (Container Device Interface)",
            _models,
        ),
    },
    _open_container,
    _check_container,
    _simulated,
)
LOCAL = Kind(
    {"folder": Option("folder of this machine that runs are kept in", Path)}, _open_local, told=_simulated
)
SSH = Kind(
    {
        **ACCESS,
        "hosts": Option("several hosts that are one site, with commas between them", _hosts),
        "slots": Option("runs at once on each host; else as many as are asked for", _count),
        "folder": Option("folder over there, seen from the user's home; else .situs/ and the site's name"),
    },
    _open_ssh,
    _check_ssh,
    _simulated,
)
