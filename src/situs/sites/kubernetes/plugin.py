"""Credential plugins: programs that a kubeconfig names and that give a token, as those of the clouds do."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from situs.model.error import SitusError

PLUGIN_S = 60.0
"""Some ask a cloud; one that waits for a person never answers here."""
EARLY_S = 30.0
"""A token is renewed so long before it ends, as clocks differ."""


def plugin_token(plugin: Mapping[str, Any], folder: Path) -> Callable[[], str]:
    """Gives the plugin's token, and asks it again only when that is about to end."""
    kept: list[tuple[str, float]] = []

    def token() -> str:
        if not kept or kept[0][1] - EARLY_S < time.time():
            kept[:] = [_asked(plugin, folder)]
        return kept[0][0]

    return token


def _asked(plugin: Mapping[str, Any], folder: Path) -> tuple[str, float]:
    """The token, and when it ends."""
    command = str(plugin.get("command") or "")
    # With a slash in it, it is seen from the kubeconfig's folder.
    program = str(folder / command) if "/" in command else command
    version = str(plugin.get("apiVersion") or "client.authentication.k8s.io/v1")
    about = {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}
    given = {str(e["name"]): str(e["value"]) for e in plugin.get("env") or () if isinstance(e, dict)}
    try:
        done = subprocess.run(  # noqa: S603 - the user's own kubeconfig names it, as for kubectl
            [program, *map(str, plugin.get("args") or ())],
            env={**os.environ, **given, "KUBERNETES_EXEC_INFO": json.dumps(about)},
            stdin=subprocess.DEVNULL, capture_output=True, timeout=PLUGIN_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        hint = f"; {plugin['installHint']}" if plugin.get("installHint") else ""
        raise SitusError(f"the credential plugin {command!r} gave nothing: {error}{hint}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-500:]
        raise SitusError(f"the credential plugin {command!r} failed with {done.returncode}: {said}")
    try:
        status = json.loads(done.stdout)["status"]
        token = status["token"]
        ends = status.get("expirationTimestamp")
        until = datetime.fromisoformat(ends.replace("Z", "+00:00")).timestamp() if ends else float("inf")
    except (ValueError, KeyError, TypeError):
        # Nothing of what it printed is shown: that may be the token.
        raise SitusError(f"the credential plugin {command!r} gave no token that situs can use") from None
    return str(token), until
