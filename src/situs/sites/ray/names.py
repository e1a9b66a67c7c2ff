"""What jobs of ours are called at a Ray cluster, and how they are told from those of others."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from situs.sites.adapter import Key

KEY, SITE = "situs-run", "situs-site"
"""Fields of a job's metadata."""


class Names:
    """Names for one site."""

    def __init__(self, site: str) -> None:
        """``site``: tells sites apart that share a cluster."""
        self.mark = hashlib.sha256(site.encode()).hexdigest()[:12]

    def job(self, key: Key) -> str:
        """The submission id of a run, the same whoever asks: Ray takes each of them once."""
        digest = hashlib.sha256(f"{self.mark}/{key}".encode()).hexdigest()[:16]
        readable = re.sub(r"[^A-Za-z0-9-]+", "-", key.workload)[:40]
        return f"situs-{readable}-{key.unit}-{key.generation}-{digest}"

    def metadata(self, key: Key) -> dict[str, str]:
        """From which :meth:`key` tells again what a job is for."""
        return {KEY: str(key), SITE: self.mark}

    def key(self, job: Mapping[str, Any]) -> Key | None:
        """Which of our runs a job is; None: none of ours."""
        told = job.get("metadata") or {}
        if told.get(SITE) != self.mark:
            return None
        try:
            key = Key.parse(str(told[KEY]))
        except (KeyError, ValueError):
            return None
        return key if self.job(key) == job.get("submission_id") else None
