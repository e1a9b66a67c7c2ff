"""A real cluster for tests: the one that $KUBECONFIG names, used as the account that situs itself ships.

Its node must share files and processes with this machine (k3s, kubeadm, minikube without a driver), as the
conformance suite looks at both; it needs a default storage class.  SITUS_KUBERNETES_IMAGE names an image with
/bin/sh and setsid that the node can have.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from uuid import uuid4

import httpx
import yaml

from situs.sites.conformance.waiting import until
from situs.sites.kubernetes.access import Access, access
from situs.sites.kubernetes.permissions import manifests

NO_CLUSTER = (
    "NO KUBERNETES CLUSTER: $KUBECONFIG names none, and none can be installed here. The adapter is NOT tested "
    "against a cluster in this run"
)
IMAGE = os.environ.get("SITUS_KUBERNETES_IMAGE", "busybox:1.37")
PLURALS = {"Namespace": "namespaces", "ServiceAccount": "serviceaccounts", "Role": "roles",
           "RoleBinding": "rolebindings", "ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings",
           "Node": "nodes"}  # fmt: skip


def is_named() -> bool:
    """Whether there is a cluster to test against."""
    return bool(os.environ.get("KUBECONFIG"))


class KubernetesCluster:
    """A namespace of its own in that cluster, and the right to do there what situs does."""

    def __init__(self, folder: Path) -> None:
        self.admin = access(None, None, os.environ)
        self.namespace = f"situs-test-{uuid4().hex[:8]}"
        self.kubeconfig = folder / "kubeconfig"
        token = self.admin.token()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = httpx.Client(
            base_url=self.admin.server, verify=self.admin.ssl, headers=headers, timeout=60.0
        )

    def start(self) -> None:
        """Apply what is shipped for administrators, and become that account."""
        self.apply(manifests(self.namespace))
        path = f"/api/v1/namespaces/{self.namespace}/configmaps/kube-root-ca.crt"
        # The cluster publishes its authority in every namespace, a moment after that is there.
        until(lambda: self.client.get(path).is_success, "the namespace has the cluster's authority")
        authority = self.client.get(path).json()["data"]["ca.crt"]
        cluster = {"server": self.admin.server}
        cluster["certificate-authority-data"] = base64.b64encode(authority.encode()).decode()
        config = {
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "situs", "user": {"token": self.token("situs")}}],
            "contexts": [
                {"name": "test", "context": {"cluster": "test", "user": "situs", "namespace": self.namespace}}
            ],
            "current-context": "test",
        }
        self.kubeconfig.write_text(json.dumps(config))

    def token(self, account: str) -> str:
        """Of an account of the namespace."""
        path = self.inside("serviceaccounts", f"{account}/token")
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 7200},
        }
        answer = self.client.post(path, json=body)
        answer.raise_for_status()
        return str(answer.json()["status"]["token"])

    def access(self) -> Access:
        """As the account that situs is given."""
        return access(self.kubeconfig, None, {})

    def apply(self, documents: str) -> None:
        """Have objects as an administrator would."""
        for one in yaml.safe_load_all(documents):
            group = one["apiVersion"]
            root = "/api/v1" if group == "v1" else f"/apis/{group}"
            inside = one["metadata"].get("namespace")
            place = f"{root}/namespaces/{inside}" if inside else root
            answer = self.client.patch(
                f"{place}/{PLURALS[one['kind']]}/{one['metadata']['name']}",
                params={"fieldManager": "situs-test", "force": "true"}, content=json.dumps(one),
                headers={"Content-Type": "application/apply-patch+yaml"},
            )  # fmt: skip
            answer.raise_for_status()

    def shared_claim(self) -> str:
        """A claim that is there for all runs. On a cluster of one node one that a node alone may write will do."""
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        body = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "shared"},
            "spec": spec,
        }
        answer = self.client.post(self.inside("persistentvolumeclaims"), json=body)
        assert answer.is_success or answer.status_code == httpx.codes.CONFLICT, answer.text
        return "shared"

    def inside(self, kind: str, name: str = "") -> str:
        """The path of objects in the namespace."""
        root = "/apis/batch/v1" if kind == "jobs" else "/api/v1"
        return f"{root}/namespaces/{self.namespace}/{kind}" + (f"/{name}" if name else "")

    def clear(self) -> None:
        """Remove all that tests have made in the namespace."""
        query = {"labelSelector": "app.kubernetes.io/managed-by=situs"}
        for kind in ("jobs", "pods", "persistentvolumeclaims", "secrets"):
            body = {"propagationPolicy": "Background", "gracePeriodSeconds": 0}
            self.client.request("DELETE", self.inside(kind), params=query, json=body).raise_for_status()
        # These can be removed one by one only.
        for one in self.client.get(self.inside("services"), params=query).json()["items"]:
            self.client.delete(self.inside("services", one["metadata"]["name"])).raise_for_status()

    def stop(self) -> None:
        """Remove the namespace and the rights."""
        self.client.delete(f"/api/v1/namespaces/{self.namespace}")
        for kind in ("clusterrolebindings", "clusterroles"):
            self.client.delete(f"/apis/rbac.authorization.k8s.io/v1/{kind}/situs-{self.namespace}")
        self.client.close()
