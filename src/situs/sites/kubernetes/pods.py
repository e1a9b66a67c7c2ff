"""The pods of runs: found, told something, and read from."""

from __future__ import annotations

from collections.abc import Iterator

from situs.sites.adapter import Key
from situs.sites.kubernetes.cluster import POD, Cluster, ClusterError, Object
from situs.sites.kubernetes.entering import Gone, entered
from situs.sites.kubernetes.manifests import MAIN
from situs.sites.kubernetes.members import members
from situs.sites.kubernetes.names import RUN, Names
from situs.sites.kubernetes.states import main
from situs.sites.kubernetes.watching import Watch

STOP = r"""
control=/situs/control/${SITUS_NODE_RANK-}
mkdir -p "$control" && cd "$control" && printf '%s\n' "$1" >stop.$$ && mv -f stop.$$ stop && kill -s USR1 1
"""
SIGNAL = r"""
cd "/situs/control/${SITUS_NODE_RANK-}" && read -r pid <pid && [ ! -e code ] && kill -s "$1" "$pid"
"""


class Pods:
    """The pods of one site's runs."""

    def __init__(self, cluster: Cluster, names: Names) -> None:
        self._cluster = cluster
        self._names = names
        self._watch = Watch(cluster, POD, names.selector("job"), RUN)

    def watch(self) -> None:
        """Have the cluster tell of them from now on, so that they need not be asked for one by one."""
        self._watch.begin()

    def of(self, key: Key) -> list[Object]:
        """Those of a run, by their number in it."""
        selector = self._names.selector("job", key)
        seen = self._watch.labelled(selector[RUN])
        # What was seen may be a moment old, so that there is none is asked.
        return list(members(seen or self._cluster.find(POD, selector)).values())

    def output(self, key: Key, since: int) -> bytes:
        """What they say from byte ``since`` on, one after the other."""
        left, text = since, bytearray()
        for number, pod in enumerate(self.of(key)):
            for block in self._said(number, pod):
                text += block[left:]
                left = max(left - len(block), 0)
            if "terminated" not in main(pod):
                # What the next one says has its place only once this one says no more.
                break
        return bytes(text)

    def ask_to_end(self, pod: Object, grace_s: float) -> bool:
        """Whether it heard: it ends the run in it then, after the grace at the latest."""
        return self._entered(pod, STOP, str(round(grace_s * 100)))

    def signal(self, pod: Object, name: str) -> None:
        """Send a signal to the run's own process in it."""
        self._entered(pod, SIGNAL, name.removeprefix("SIG"), safe_to_repeat=False)

    def remove(self, pod: Object, grace_s: int) -> None:
        """Have the cluster end it and forget it."""
        self._cluster.delete(POD, pod["metadata"]["name"], grace_s=grace_s)

    def _said(self, number: int, pod: Object) -> Iterator[bytes]:
        if not {"running", "terminated"} & main(pod).keys():
            return
        if number:
            yield f"--- node {number} ---\n".encode()
        try:
            with self._cluster.log(pod["metadata"]["name"], MAIN) as answer:
                yield from answer.iter_bytes()
        except ClusterError as error:
            if error.code not in (400, 404):
                raise

    def _entered(self, pod: Object, script: str, word: str, *, safe_to_repeat: bool = True) -> bool:
        """Whether the pod did it; it cannot while it does not run."""
        if "running" not in main(pod):
            return False
        command = ("/bin/sh", "-c", script, "situs", word)
        try:
            name = pod["metadata"]["name"]
            return entered(self._cluster, name, MAIN, command, safe_to_repeat=safe_to_repeat).exit_code == 0
        except Gone:
            return False
