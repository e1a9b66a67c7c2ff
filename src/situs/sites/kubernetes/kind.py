"""The kind of site ``kubernetes``: its options as an estate writes them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from situs.sites.adapter import Adapter
from situs.sites.kubernetes.manifests import PULLS, AccessMode, KubernetesOptions, Toleration
from situs.sites.registry import Kind, Option

LABEL = re.compile(r"([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
EFFECTS = ("NoSchedule", "NoExecute", "PreferNoSchedule")


def _open(name: str, options: Mapping[str, Any], folder: Path) -> Adapter:
    from situs.sites.kubernetes.access import access
    from situs.sites.kubernetes.site import KubernetesSite

    reached = access(options.get("kubeconfig"), options.get("context"), os.environ)
    own = {option: options[option] for option in RUNNING if option in options}
    return KubernetesSite(reached, KubernetesOptions(**{"name": name, **own}), options.get("namespace"))


def _check(options: Mapping[str, Any]) -> Iterator[str]:
    if "claim" in options and {"storage_class", "storage_gib", "access_mode"} & options.keys():
        yield (
            "a claim that all runs share has its class, size and mode already; leave storage_class, storage_gib and "
            "access_mode out"
        )


def _file(text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_file():
        raise ValueError(f"there is no file {text!r}")
    return path


def name_in_cluster(text: str) -> str:
    """A name that a cluster allows (RFC 1123). Raises ValueError."""
    if not NAME.fullmatch(text):
        raise ValueError(f"{text!r} is no name of a cluster: lower-case letters, digits and -, at most 63")
    return text


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    found = []
    for part in text.split(","):
        label, is_set, value = part.strip().partition("=")
        if not is_set or not LABEL.fullmatch(label) or (value and not LABEL.fullmatch(value)):
            raise ValueError(f"{part.strip()!r} is no label with a value; write it as gpu=a100")
        found.append((label, value))
    return tuple(found)


def _tolerations(text: str) -> tuple[Toleration, ...]:
    found = []
    for part in text.split(","):
        taint, _, effect = part.strip().partition(":")
        key, is_set, value = taint.partition("=")
        if not LABEL.fullmatch(key) or (effect and effect not in EFFECTS):
            raise ValueError(
                f"{part.strip()!r} is no taint; write it as nvidia.com/gpu, gpu=yes or gpu=yes:NoSchedule"
            )
        found.append(Toleration(key, value if is_set else None, effect or None))
    return tuple(found)


def _pull(text: str) -> str:
    if text not in PULLS:
        raise ValueError(f"{text!r} is none of {', '.join(PULLS)}")
    return text


def _access_mode(text: str) -> str:
    if text not in get_args(AccessMode):
        raise ValueError(f"{text!r} is none of {', '.join(get_args(AccessMode))}")
    return text


def _label(text: str) -> str:
    if not LABEL.fullmatch(text):
        raise ValueError(f"{text!r} is no name of a resource, such as nvidia.com/gpu")
    return text


def _gib(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", text) or float(text) <= 0:
        raise ValueError(f"{text!r} is no number of GiB above 0")
    return float(text)


def _user(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise ValueError(f"{text!r} is no number of a user from 1 on")
    return int(text)


def _mounts(text: str) -> tuple[str, ...]:
    mounts = tuple(part.strip() for part in text.split(","))
    for mount in mounts:
        if not re.fullmatch(r"/[^:]*:/[^:]+(:ro)?", mount):
            raise ValueError(f"{mount!r} is not written as /host:/inside or /host:/inside:ro")
    return mounts


RUNNING = {
    "name": Option("tells sites apart that share a namespace, and must stay the same; else the site's name"),
    "image": Option("for workloads that name none"),
    "tools_image": Option(
        "image with sh, head, readlink and sha256sum, by which folders are opened; else busybox:1.37"
    ),
    "pull": Option("when images are fetched: missing, always or never", _pull),
    "image_pull_secret": Option("secret of the namespace by which images are fetched", name_in_cluster),
    "node_selector": Option("labels that nodes must have, as gpu=a100, with commas between them", _labels),
    "tolerations": Option(
        "taints that runs put up with, as KEY, KEY=VALUE or KEY=VALUE:EFFECT, with commas between them",
        _tolerations,
    ),
    "accelerator_resource": Option("resource that accelerators are; else nvidia.com/gpu", _label),
    "queue": Option("local queue of Kueue that jobs wait in", name_in_cluster),
    "priority_class": Option("of the pods", name_in_cluster),
    "storage_class": Option(
        "of the volumes that folders lie on; else the cluster's default", name_in_cluster
    ),
    "storage_gib": Option("size of the volume of each run; else 10", _gib),
    "access_mode": Option(
        "of the volume of each run: ReadWriteMany where nodes can share it, which work on several nodes needs; else "
        "ReadWriteOnce",
        _access_mode,
    ),
    "claim": Option(
        "volume claim of the namespace that nodes share; all runs then have their folders in it",
        name_in_cluster,
    ),
    "user": Option("number of the user that runs run as; else the image's", _user),
    "mounts": Option(
        "folders of the nodes that every run sees, as /host:/inside or /host:/inside:ro, with commas between them",
        _mounts,
    ),
}
"""How work is run there."""
KUBERNETES = Kind(
    {
        "kubeconfig": Option("file that tells the cluster; else as kubectl finds it", _file),
        "context": Option("of the kubeconfig; else its current one"),
        "namespace": Option("that all of the site is kept in; else the context's", name_in_cluster),
        **RUNNING,
    },
    _open,
    _check,
)
