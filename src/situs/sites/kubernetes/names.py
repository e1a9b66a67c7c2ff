"""What a cluster remembers for us, in objects of one namespace that are found again by name and label.

* the highest generation of a **unit** that was seen is a ConfigMap, changed by compare-and-set only;
* a **run** is a ConfigMap too: that it has begun, why it must end, how it went.  It outlives the job, which the
  cluster's people may remove or have removed after a time;
* the run's **work** folder is a volume claim, or lies in one that all runs share, opened before and after by a pod
  that does nothing (**folder**);
* the run itself is a Job of one pod, and a Secret until that pod has begun; on several nodes it is a Job of as many
  pods, and a **service** by which they find each other.

Names are made of a part that people recognise and a digest of the whole key, as keys may have capital letters and
be longer than a cluster allows.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from situs.sites.adapter import Key

Role = Literal["unit", "run", "work", "folder", "job", "secret", "service"]
SITE, ROLE, UNIT, RUN, WORKLOAD = "situs/site", "situs/role", "situs/unit", "situs/run", "situs/workload"
"""Labels: what can be searched for"""
KEY = "situs/key"
"""Annotation: the key itself"""


class Names:
    """Names and labels of one site; several sites may share a namespace."""

    def __init__(self, site: str) -> None:
        self._site = _digest(site, 8)

    def unit(self, key: Key) -> str:
        """The ConfigMap of a unit's highest generation."""
        return self._name(key, f"{key.workload}.{key.unit}")

    def run(self, key: Key) -> str:
        """The ConfigMap, the claim, the job, the secret and the service of a run: they are of different kinds."""
        return self._name(key, str(key))

    def folder(self, key: Key) -> str:
        """The pod that opens a run's folder."""
        return f"{self.run(key)}-folder"

    def folders(self) -> str:
        """The pod that opens all folders that lie in one claim."""
        return f"situs-{self._site}-folders"

    def shared(self, role: Role) -> dict[str, str]:
        """What tells a thing of ours from others that belongs to no one run."""
        return {"app.kubernetes.io/managed-by": "situs", SITE: self._site, ROLE: role}

    def labels(self, role: Role, key: Key) -> dict[str, str]:
        """What tells a thing of ours from others."""
        labels = self.shared(role) | {
            UNIT: _digest(f"{key.workload}.{key.unit}", 16),
            WORKLOAD: _plain(key.workload, 40),
        }
        return labels if role == "unit" else {**labels, RUN: _digest(str(key), 16)}

    def selector(self, role: Role, key: Key | None = None) -> dict[str, str]:
        """The labels by which things are found: of one run, or of all."""
        wanted = {SITE: self._site, ROLE: role}
        return wanted if key is None else {**wanted, RUN: _digest(str(key), 16)}

    def metadata(self, role: Role, key: Key, name: str) -> dict[str, object]:
        """The head of an object."""
        return {"name": name, "labels": self.labels(role, key), "annotations": {KEY: str(key)}}

    def _name(self, key: Key, whole: str) -> str:
        return f"situs-{self._site}-{_plain(key.workload, 20)}-{_digest(whole, 12)}"


def _plain(text: str, length: int) -> str:
    """As much of it as a cluster allows in names and labels."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:length].strip("-") or "x"


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
