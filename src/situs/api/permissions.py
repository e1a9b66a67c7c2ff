"""Who may do what: one table of roles, and one of routes. What is in neither is refused.

A project is a use case: people and work with one owner and one budget; work of none is in ``default``. A role is held
in one project or in all (``*``). What concerns the whole estate needs the role in all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Permission = Literal["read", "logs", "submit", "stop", "operate", "plan", "approve", "audit", "admin"]
Role = Literal["viewer", "data-scientist", "operator", "approver", "auditor", "admin"]

EVERYTHING = "*"
DEFAULT = "default"

ROLES: Mapping[Role, frozenset[Permission]] = {
    "viewer": frozenset({"read"}),
    "data-scientist": frozenset({"read", "logs", "submit", "stop"}),
    "operator": frozenset({"read", "logs", "stop", "operate", "plan"}),
    "approver": frozenset({"read", "approve"}),
    "auditor": frozenset({"read", "audit"}),
    "admin": frozenset({"read", "logs", "submit", "stop", "operate", "plan", "approve", "audit", "admin"}),
}

ROUTES: Mapping[tuple[str, str], tuple[Permission | None, bool]] = {
    # (method, path) -> what it takes (None: nothing but being known), and whether in all projects
    ("GET", "/v1/login"): (None, False),
    ("GET", "/v1/me"): (None, False),
    ("GET", "/v1/overview"): ("read", False),
    ("GET", "/v1/running"): ("read", False),
    ("GET", "/v1/sites"): ("read", True),
    ("PUT", "/v1/sites/{site}/drain"): ("operate", True),
    ("DELETE", "/v1/sites/{site}/drain"): ("operate", True),
    ("PUT", "/v1/sites/{site}/lost"): ("operate", True),
    ("DELETE", "/v1/sites/{site}/lost"): ("operate", True),
    ("PUT", "/v1/pause"): ("operate", True),
    ("DELETE", "/v1/pause"): ("operate", True),
    ("GET", "/v1/targets"): ("read", True),
    ("GET", "/v1/plans"): ("read", True),
    ("POST", "/v1/plans"): ("plan", True),
    ("GET", "/v1/plans/{plan}"): ("read", True),
    ("GET", "/v1/plans/{plan}/estate"): ("read", True),
    ("GET", "/v1/plans/{plan}/proposal"): ("read", True),
    ("GET", "/v1/plans/{plan}/diff"): ("read", True),
    ("POST", "/v1/plans/{plan}/apply"): ("plan", True),
    ("POST", "/v1/plans/{plan}/approve"): ("approve", True),
    ("POST", "/v1/plans/{plan}/reject"): ("approve", True),
    ("GET", "/v1/proposed"): ("read", True),
    ("POST", "/v1/proposed/approve"): ("approve", True),
    ("POST", "/v1/rollback"): ("approve", True),
    ("GET", "/v1/queues"): ("read", False),
    ("GET", "/v1/queues/{queue}"): ("read", False),
    ("GET", "/v1/arrays"): ("read", False),
    ("POST", "/v1/arrays"): ("submit", False),
    ("GET", "/v1/arrays/{name}"): ("read", False),
    ("DELETE", "/v1/arrays/{name}"): ("stop", False),
    ("POST", "/v1/arrays/{name}/stop"): ("stop", False),
    ("GET", "/v1/pipelines"): ("read", False),
    ("POST", "/v1/pipelines"): ("submit", False),
    ("GET", "/v1/pipelines/{name}"): ("read", False),
    ("DELETE", "/v1/pipelines/{name}"): ("stop", False),
    ("POST", "/v1/pipelines/{name}/stop"): ("stop", False),
    ("POST", "/v1/pipelines/{name}/retry"): ("submit", False),
    ("POST", "/v1/code"): ("submit", False),
    ("PUT", "/v1/code/{sha256}"): ("submit", False),
    ("GET", "/v1/workloads"): ("read", False),
    ("POST", "/v1/workloads"): ("submit", False),
    ("GET", "/v1/workloads/{name}"): ("read", False),
    ("DELETE", "/v1/workloads/{name}"): ("stop", False),
    ("POST", "/v1/workloads/{name}/stop"): ("stop", False),
    ("GET", "/v1/workloads/{name}/history"): ("read", False),
    ("GET", "/v1/workloads/{name}/move"): ("read", False),
    ("PUT", "/v1/workloads/{name}/move/cancelled"): ("operate", False),
    ("DELETE", "/v1/workloads/{name}/move/cancelled"): ("operate", False),
    ("GET", "/v1/workloads/{name}/logs"): ("logs", False),
    ("GET", "/v1/workloads/{name}/logs/stream"): ("logs", False),
    ("GET", "/v1/usage"): ("read", False),
    ("GET", "/v1/events"): ("audit", True),
    ("GET", "/v1/events/stream"): ("audit", True),
    ("GET", "/v1/tokens"): ("admin", True),
    ("POST", "/v1/tokens"): ("admin", True),
    ("DELETE", "/v1/tokens/{token}"): ("admin", True),
}

OPEN: frozenset[tuple[str, str]] = frozenset({("GET", "/v1/login")})
"""Of these, what nobody needs to be known for: how one becomes known."""


@dataclass(frozen=True)
class Grant:
    """A role in a project, or in all."""

    role: Role
    project: str = EVERYTHING


@dataclass(frozen=True)
class Principal:
    """Who asks."""

    name: str
    grants: tuple[Grant, ...]
    token: str | None = None
    """which token was shown; None: the owner, over the socket that is the owner's alone"""

    def may(self, permission: Permission, project: str | None) -> bool:
        """Whether it may, in this project; None: in all."""
        return any(
            permission in ROLES[grant.role] and grant.project in (EVERYTHING, project)
            for grant in self.grants
        )

    def projects(self, permission: Permission) -> frozenset[str] | None:
        """Where it may; None: everywhere."""
        found = frozenset(grant.project for grant in self.grants if permission in ROLES[grant.role])
        return None if EVERYTHING in found else found


def grants_of(rows: Iterable[Mapping[str, str]]) -> tuple[Grant, ...]:
    """As they are kept; a role that this situs does not know grants nothing."""
    return tuple(Grant(row["role"], row["project"]) for row in rows if row["role"] in ROLES)  # type: ignore[arg-type]
