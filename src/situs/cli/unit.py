"""A systemd unit for the control plane, with as few rights as it can do with.

What runs on this machine itself (sites of kind local) descends from the control plane: it must outlive it, so only the
main process is ended when the unit stops; and it has the rights that the unit leaves it, so those that programs of
others may need are left.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

HARDENED = (
    "UMask=0077", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=read-only", "PrivateTmp=yes",
    "ProtectKernelTunables=yes", "ProtectKernelModules=yes", "ProtectKernelLogs=yes", "ProtectClock=yes",
    "ProtectControlGroups=yes", "ProtectHostname=yes", "RestrictSUIDSGID=yes", "RestrictRealtime=yes",
    "LockPersonality=yes", "RemoveIPC=yes", "CapabilityBoundingSet=", "AmbientCapabilities=",
)  # fmt: skip
ALONE = (
    "PrivateDevices=yes", "ProtectProc=invisible", "ProcSubset=pid", "RestrictNamespaces=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service", "SystemCallFilter=~@privileged @resources @obsolete",
)  # fmt: skip
"""Where nothing but the control plane runs in it."""


def unit(command: Sequence[str], folder: Path, user: str, *, runs_here: bool) -> str:
    """The unit's text. ``folder``: of the estate, absolute; ``runs_here``: whether a site is this machine itself."""
    own = folder / ".situs"
    lines = [
        "# Made by `situs up --write-unit`. Keep it as /etc/systemd/system/situs.service, then",
        "# `systemctl daemon-reload` and `systemctl enable --now situs`.",
        "[Unit]",
        "Description=situs control plane",
        "Wants=network-online.target",
        "After=network-online.target postgresql.service",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=exec",
        f"User={user}",
        f"ExecStart={' '.join(map(word, command))}",
        f"WorkingDirectory={_path(folder)}",
        "# SITUS_DB, SITUS_SECRET_..., VAULT_ADDR and the like, one a line; for root's eyes only.",
        "EnvironmentFile=-/etc/situs/environment",
        "# LoadCredential=NAME:/etc/situs/credentials/NAME   what the estate calls file:NAME",
        "Restart=on-failure",
        "RestartSec=2",
        "TimeoutStopSec=30",
        "# What runs on this machine runs on while the control plane is renewed."
        if runs_here
        else "# Nothing of the estate runs on this machine.",
        f"KillMode={'process' if runs_here else 'mixed'}",
        f"ReadWritePaths={_path(own)}",
        *HARDENED,
        *(() if runs_here else ALONE),
        "",
        "[Install]",
        "WantedBy=multi-user.target",
        "",
    ]
    return "\n".join(lines)


def word(text: str) -> str:
    """One argument as systemd reads a command line."""
    plain = text.replace("%", "%%").replace("$", "$$")
    if plain and not set(plain) & set(" \t\n\"'\\;"):
        return plain
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _path(path: Path) -> str:
    return str(path).replace("%", "%%").replace(" ", "\\x20")
