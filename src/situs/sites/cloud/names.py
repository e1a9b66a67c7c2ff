"""What machines of ours are called and marked with, so that anybody can tell which run each of them is for.

Clouds shorten long names and put two letters of a hash behind, which may make one name of two: then two runs would
share a machine.  So ours are short enough for all of them, and have their own hash in them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import yaml

from situs.sites.adapter import Key

VARIABLE = "SITUS_KEY"
"""Variable of SkyPilot's task that says which run a machine is for."""
SITE_VARIABLE = "SITUS_SITE_MARK"


class Names:
    """Names for one site."""

    def __init__(self, site: str) -> None:
        """``site``: tells sites apart that share an API server."""
        self.mark = hashlib.sha256(site.encode()).hexdigest()[:12]
        self._site = site

    @property
    def user(self) -> str:
        """Who we are to an API server that has no accounts: eight hexadecimal digits."""
        return self.mark[:8]

    def cluster(self, key: Key) -> str:
        """The machine of a run: 19 letters and digits, the same whoever asks."""
        return f"situs-{hashlib.sha256(f'{self.mark}/{key}'.encode()).hexdigest()[:13]}"

    def labels(self, key: Key) -> dict[str, str]:
        """For people who look at the cloud's own lists and bills."""
        return {
            "situs-site": _label(self._site),
            "situs-workload": _label(key.workload),
            "situs-unit": str(key.unit),
            "situs-generation": str(key.generation),
        }

    def variables(self, key: Key) -> dict[str, str]:
        """Of SkyPilot's task, from which :meth:`key` tells again what a machine is for."""
        return {VARIABLE: str(key), SITE_VARIABLE: self.mark}

    def key(self, record: Mapping[str, Any]) -> Key | None:
        """Which of our runs a machine is for, by what the server tells of it; None: none of ours."""
        try:
            variables = yaml.safe_load(record.get("last_creation_yaml") or "{}").get("envs") or {}
            if variables.get(SITE_VARIABLE) != self.mark:
                return None
            key = Key.parse(str(variables[VARIABLE]))
        except (yaml.YAMLError, AttributeError, KeyError, ValueError):
            return None
        return key if self.cluster(key) == record.get("name") else None


def _label(text: str) -> str:
    """What all clouds take as the value of a label."""
    return re.sub(r"[^a-z0-9-]+", "-", text.lower())[:60].strip("-") or "x"
