"""Clusters that a cloud runs, told by their server's address or by the name their own tools give a context.

A cluster in somebody else's data centre that counted as one's own would be taken for a place where everything
may be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

SERVERS = (
    ("aws", re.compile(r"(?:\.([a-z]{2}(?:-[a-z]+)+-\d+))?\.eks\.amazonaws\.com(?:\.cn)?$")),
    ("gcp", re.compile(r"(?:\.([a-z]+-[a-z]+\d+))?(?:-[a-z])?\.gke\.goog$")),
    ("azure", re.compile(r"(?:\.([a-z0-9]+))?\.azmk8s\.(?:io|us|cn)$")),
)
"""(operator, host of the server with the region in it)"""

CONTEXTS = (
    ("gcp", re.compile(r"^gke_[^_]+_([a-z]+-[a-z]+\d+)(?:-[a-z])?_")),
    ("aws", re.compile(r"^arn:aws[a-z-]*:eks:([a-z0-9-]+):")),
    ("aws", re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d+)\.eksctl\.io$")),
)
"""(operator, name of a context or cluster, as the operator's tools write it into a kubeconfig)"""


@dataclass(frozen=True)
class Managed:
    """Who runs a cluster, and where."""

    operator: str
    region: str | None


def managed(server: str, *names: str) -> Managed | None:
    """Who runs the cluster at ``server`` with these names of its context and itself; None: nobody that is known."""
    host = _host(server)
    for operator, pattern in SERVERS:
        if (match := pattern.search(host)) is not None:
            return Managed(operator, match[1])
    for operator, pattern in CONTEXTS:
        for name in names:
            if (match := pattern.search(name)) is not None:
                return Managed(operator, match[1])
    return None


def _host(server: str) -> str:
    try:
        return (urlsplit(server).hostname or "").lower()
    except ValueError:
        return ""
