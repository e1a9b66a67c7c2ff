"""What a site may do in its namespace, and no more: the role that is shipped, and what is missing of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from situs.sites.kubernetes.cluster import Object

RULES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "configmaps"): ("create", "delete", "get", "list", "update"),
    # Why a pod that a job should have is not there is told in no other place.
    ("", "events"): ("list",),
    ("", "persistentvolumeclaims"): ("create", "delete", "get", "patch"),
    ("", "pods"): ("create", "delete", "get", "list", "watch"),
    # To enter one is "get" to older clusters and "create" to newer ones.
    ("", "pods/exec"): ("create", "get"),
    ("", "pods/log"): ("get",),
    # What was handed over can never be read back.
    ("", "secrets"): ("create", "delete", "patch"),
    # By which the pods of one run find each other.
    ("", "services"): ("create", "delete"),
    ("batch", "jobs"): ("create", "delete", "get"),
}
"""(group, resource) -> verbs"""
NODES = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}
NAME = "situs"


def manifests(namespace: str) -> str:
    """All that an administrator has to apply, as YAML: a namespace, an account, and its rights."""
    account = {"kind": "ServiceAccount", "name": NAME, "namespace": namespace}
    inside = {"name": NAME, "namespace": namespace}
    whole = {"name": f"{NAME}-{namespace}"}
    rbac = "rbac.authorization.k8s.io"
    documents: Sequence[Object] = (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": inside},
        {
            "apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": inside,
            "rules": [
                {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
                for (group, resource), verbs in RULES.items()
            ],
        },
        _binding("RoleBinding", inside, "Role", NAME, account),
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": whole, "rules": [NODES]},
        _binding("ClusterRoleBinding", whole, "ClusterRole", whole["name"], account),
    )  # fmt: skip
    return yaml.safe_dump_all(documents, sort_keys=False)


def missing(rules: Iterable[Mapping[str, Any]]) -> list[str]:
    """What an account lacks by the rules that the cluster says it has, such as ``create jobs``."""
    rules = list(rules)
    return [
        f"{verb} {resource}"
        for (group, resource), verbs in RULES.items()
        for verb in verbs
        if not any(_allows(rule, group, resource, verb) for rule in rules)
    ]


def _allows(rule: Mapping[str, Any], group: str, resource: str, verb: str) -> bool:
    asked = (("apiGroups", group), ("resources", resource), ("verbs", verb))
    return not rule.get("resourceNames") and all(
        value in (rule.get(part) or ()) or "*" in (rule.get(part) or ()) for part, value in asked
    )


def _binding(kind: str, metadata: Mapping[str, str], role: str, name: str, account: Object) -> Object:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1", "kind": kind, "metadata": dict(metadata),
        "roleRef": {"apiGroup": group, "kind": role, "name": name}, "subjects": [account],
    }  # fmt: skip
