"""A namespace of a Kubernetes cluster as a site, by its own API: nothing is installed there, and no node is touched.

A run is one Job of one pod, its folder a volume claim (:mod:`situs.sites.kubernetes.names`).  The first process of
the pod (``run.sh``) ends the run at its limits and tells how it went, so that a site goes on when nobody is there to
look after it.  Which generation may still begin it looks up when it begins, which may be long after it was asked for.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from situs.model.error import SitusError
from situs.sites.adapter import (
    Capability,
    Health,
    Inventory,
    Key,
    Status,
    Task,
    Unreachable,
    refuse_unsupported,
)
from situs.sites.ending import awaited
from situs.sites.kubernetes.access import Access
from situs.sites.kubernetes.cluster import JOB, POD, SECRET, Cluster, ClusterError, Object
from situs.sites.kubernetes.entering import Gone, entered
from situs.sites.kubernetes.folders import Folders
from situs.sites.kubernetes.manifests import MAIN, KubernetesOptions, job, secret
from situs.sites.kubernetes.names import RUN, Names
from situs.sites.kubernetes.nodes import inventory
from situs.sites.kubernetes.permissions import missing
from situs.sites.kubernetes.records import Records
from situs.sites.kubernetes.states import NO_POD, judged, main
from situs.sites.kubernetes.watching import Watch
from situs.sites.words import signal_of, still_runs

OVERDUE_S = 10.0
"""A run that did not end so long after its grace has lost its keeper: the cluster ends it then."""
REMOVED_S = 60.0
LONGEST_PAUSE_S = 0.5
STOP = r"""
mkdir -p /situs/control && cd /situs/control && printf '%s\n' "$1" >stop.$$ && mv -f stop.$$ stop && kill -s USR1 1
"""
SIGNAL = r"""
read -r pid </situs/control/pid && [ ! -e /situs/control/code ] && kill -s "$1" "$pid"
"""


class KubernetesSite:
    """Runs of ours in one namespace."""

    capabilities: frozenset[Capability] = frozenset({"memory", "cpus", "accelerators", "image", "secrets"})

    def __init__(self, access: Access, options: KubernetesOptions, namespace: str | None = None) -> None:
        self._options = options
        self._names = Names(options.name)
        self._cluster = Cluster(access, namespace)
        self._records = Records(self._cluster, self._names)
        self._folders = Folders(self._cluster, self._names, options)
        self._watch = Watch(self._cluster, POD, self._names.selector("job"), RUN)

    def health(self) -> Health:
        """Whether the cluster answers, and lets us do what has to be done."""
        try:
            ahead_s = self._cluster.clock_ahead_s()
            said = self._cluster.review("SelfSubjectRulesReview", {"namespace": self._cluster.namespace})
        except Unreachable as error:
            return Health(False, str(error), "see that the cluster is up and can be reached from here")
        except SitusError as error:
            return Health(False, str(error), "see that the kubeconfig's credentials are right and not over")
        lacks = missing(said["status"].get("resourceRules") or ())
        # A cluster whose rights are kept elsewhere cannot list them all.
        if lacks and not said["status"].get("incomplete"):
            cause = f"the account may not {', '.join(lacks)} in the namespace {self._cluster.namespace}"
            remedy = f"situs site rbac --namespace {self._cluster.namespace} | kubectl apply -f -"
            return Health(False, cause, remedy, ahead_s)
        return Health(True, clock_ahead_s=ahead_s)

    def inventory(self) -> Inventory:
        """What the nodes have that runs of the site can be on."""
        return inventory(self._cluster.nodes(), self._options)

    def put(self, key: Key, source: Path, name: str) -> str:
        """Copy a file into the run's folder; gives its SHA-256."""
        if self._records.note(key).begun:
            raise SitusError(f"{key.workload}: it has begun, so nothing is laid into its folder any more")
        self._folders.provide(key)
        return self._folders.put(key, source, name)

    def start(self, task: Task) -> None:
        """Have the cluster start the task, unless it did. Raises StaleGeneration for an old generation."""
        refuse_unsupported(task, self.capabilities, "kubernetes")
        key, wanted = task.key, job(task, self._options, self._names)
        self._records.admit(key)
        if self._records.note(key).begun:
            return
        self._folders.provide(key)
        self._folders.close(key)
        made = self._cluster.create(JOB, wanted) or self._cluster.get(JOB, self._names.run(key))
        if made is None:
            raise Unreachable(f"{key.workload}: its job was made and is gone")
        if task.secrets:
            self._cluster.apply(SECRET, secret(task, self._names, made["metadata"]["uid"]))
        self._records.note(key, lambda record: replace(record, begun=True, secret=bool(task.secrets)))

    def status(self, key: Key) -> Status:
        """Where the run is; how it went is written down as soon as it is seen."""
        record = self._records.run(key)
        if record is None:
            return Status("absent")
        if record.end is not None:
            return record.end
        if not record.begun:
            return Status("absent")
        pods = self._pods(key)
        status = judged(record, None if pods else self._cluster.get(JOB, self._names.run(key)), pods)
        if status.detail == NO_POD:
            status = self._why_no_pod(key, status)
        if record.secret and status.state != "queued":
            # It has them now, so nobody else needs to.
            self._cluster.delete(SECRET, self._names.run(key))
            self._records.note(key, lambda record: replace(record, secret=False))
        return self._records.end(key, status) if status.state == "ended" else status

    def wait(self, key: Key, timeout_s: float) -> Status:
        """Wait for the end; gives where it is by then."""
        return awaited(lambda: self.status(key), timeout_s, 0.05, LONGEST_PAUSE_S)

    def logs(self, key: Key, since: int = 0) -> tuple[bytes, int]:
        """Output from byte ``since`` on, and where to go on from; as much as the node still has of it."""
        pod = self._pod(key)
        if pod is None or not {"running", "terminated"} & main(pod).keys():
            return b"", since
        left, text = since, bytearray()
        try:
            with self._cluster.log(pod["metadata"]["name"], MAIN) as answer:
                for block in answer.iter_bytes():
                    text += block[left:]
                    left = max(left - len(block), 0)
        except ClusterError as error:
            if error.code in (400, 404):
                return b"", since
            raise
        return bytes(text), since + len(text)

    def signal(self, key: Key, name: str) -> None:
        """Send a signal to the run's own process. Raises SitusError for what is no signal's name."""
        signal_of(name)
        command = ("/bin/sh", "-c", SIGNAL, "signal", name.removeprefix("SIG"))
        self._enter(key, command, safe_to_repeat=False)

    def fence(self, key: Key) -> None:
        """Refuse starts of the unit below this generation from now on. Raises StaleGeneration for an old one."""
        self._records.admit(key)

    def stop(self, key: Key, grace_s: float = 10.0) -> Status:
        """SIGTERM to the run's group; SIGKILL after the grace to all of the pod."""
        status = self.status(key)
        if not status.alive:
            return status
        self._records.note(key, lambda record: replace(record, why=record.why or "stopped"))
        if self._enter(key, ("/bin/sh", "-c", STOP, "stop", str(round(grace_s * 100)))):
            status = self.wait(key, grace_s + OVERDUE_S)
        if status.alive:
            # It waits for its turn, or does not hear us.
            self._cluster.delete(JOB, self._names.run(key))
            for pod in self._pods(key):
                # With a grace of 0 the cluster would forget the pod before its node has ended it.
                self._cluster.delete(POD, pod["metadata"]["name"], grace_s=1)
            status = self.wait(key, REMOVED_S)
        return status

    def get(self, key: Key, name: str, target: Path) -> str:
        """Copy a file out of the run's folder; gives its SHA-256."""
        return self._folders.get(key, name, target, self._pod(key))

    def known(self) -> list[Key]:
        """All runs that something is written about."""
        # Whoever asks this is about to ask for each of them.
        self._watch.begin()
        return sorted(self._records.keys(), key=lambda key: (key.workload, key.unit, key.generation))

    def forget(self, key: Key) -> None:
        """Remove a run that has ended. Raises SitusError while it runs."""
        if self.status(key).alive:
            raise still_runs(key.workload)
        self._cluster.delete(JOB, self._names.run(key))
        self._folders.remove(key)
        # Last: while this is there, nobody takes the run for one that never was.
        self._records.remove(key)

    def _why_no_pod(self, key: Key, status: Status) -> Status:
        """What keeps a job from having its pod, such as a quota."""
        said = self._cluster.warnings(self._names.run(key))
        return replace(status, detail=said[-1]) if said else status

    def _enter(self, key: Key, command: tuple[str, ...], *, safe_to_repeat: bool = True) -> bool:
        """Whether the run's pod did it; it cannot while it does not run."""
        pod = self._pod(key)
        if pod is None or "running" not in main(pod):
            return False
        try:
            name = pod["metadata"]["name"]
            return entered(self._cluster, name, MAIN, command, safe_to_repeat=safe_to_repeat).exit_code == 0
        except Gone:
            return False

    def _pod(self, key: Key) -> Object | None:
        return min(self._pods(key), key=lambda pod: str(pod["metadata"]["creationTimestamp"]), default=None)

    def _pods(self, key: Key) -> list[Object]:
        selector = self._names.selector("job", key)
        seen = self._watch.labelled(selector[RUN])
        # What was seen may be a moment old, so that there is none is asked.
        return seen or self._cluster.find(POD, selector)
