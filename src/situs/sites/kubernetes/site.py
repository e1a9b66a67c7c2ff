"""A namespace of a Kubernetes cluster as a site, by its own API: nothing is installed there, and no node is touched.

A run is one Job of one pod, or of one on each of several nodes (:mod:`situs.sites.kubernetes.gang`), its folder a
volume claim (:mod:`situs.sites.kubernetes.names`).  The first process of a pod (``run.sh``) ends the run at its limits
and tells how it went, so that a site goes on when nobody is there to look after it.  Which generation may still begin
it looks up when it begins, which may be long after it was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from situs.model.capability import of_kubernetes
from situs.model.error import SitusError
from situs.sites.adapter import (
    Capability,
    Health,
    Inventory,
    Key,
    Status,
    Task,
    Unreachable,
    Unsupported,
    refuse_unsupported,
)
from situs.sites.ending import awaited
from situs.sites.kubernetes.access import Access
from situs.sites.kubernetes.cluster import JOB, SECRET, SERVICE, Cluster, Object
from situs.sites.kubernetes.folders import Folders
from situs.sites.kubernetes.gang import service
from situs.sites.kubernetes.manifests import KubernetesOptions, job, secret
from situs.sites.kubernetes.members import judged, to_be_ended
from situs.sites.kubernetes.names import Names
from situs.sites.kubernetes.nodes import inventory
from situs.sites.kubernetes.permissions import missing
from situs.sites.kubernetes.pods import Pods
from situs.sites.kubernetes.records import Record, Records
from situs.sites.kubernetes.states import NO_POD, main
from situs.sites.words import signal_of, still_runs

OVERDUE_S = 10.0
"""A run that did not end so long after its grace has lost its keeper: the cluster ends it then."""
REMOVED_S = 60.0
LONGEST_PAUSE_S = 0.5
GRACE_BESIDE_S = 10
"""How long the others have to end when one of several nodes has failed."""


class KubernetesSite:
    """Runs of ours in one namespace."""

    def __init__(self, access: Access, options: KubernetesOptions, namespace: str | None = None) -> None:
        self.capabilities: frozenset[Capability] = of_kubernetes(options.claim, options.access_mode)
        self._options = options
        self._names = Names(options.name)
        self._cluster = Cluster(access, namespace)
        self._records = Records(self._cluster, self._names)
        self._folders = Folders(self._cluster, self._names, options)
        self._pods = Pods(self._cluster, self._names)

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
        if task.nodes > 1 and "nodes" not in self.capabilities:
            raise Unsupported(
                f"{task.key.workload}: without a folder that nodes share this site cannot start one task on several; "
                "give it the option claim, or access_mode ReadWriteMany"
            )
        refuse_unsupported(task, self.capabilities, "kubernetes")
        key, wanted = task.key, job(task, self._options, self._names)
        self._records.admit(key)
        if self._records.note(key, lambda record: _on(task.nodes, record)).begun:
            return
        self._folders.provide(key)
        self._folders.close(key)
        if task.nodes > 1:
            self._cluster.create(SERVICE, service(key, self._names))
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
        pods = self._pods.of(key)
        whole = len(pods) == record.nodes
        status = judged(record, None if whole else self._cluster.get(JOB, self._names.run(key)), pods)
        self._end_others(key, record, pods)
        if status.detail == NO_POD or (status.state == "queued" and 0 < len(pods) < record.nodes):
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
        text = self._pods.output(key, since)
        return text, since + len(text)

    def signal(self, key: Key, name: str) -> None:
        """Send a signal to the run's own process. Raises SitusError for what is no signal's name."""
        signal_of(name)
        for pod in self._pods.of(key):
            self._pods.signal(pod, name)

    def fence(self, key: Key) -> None:
        """Refuse starts of the unit below this generation from now on. Raises StaleGeneration for an old one."""
        self._records.admit(key)

    def stop(self, key: Key, grace_s: float = 10.0) -> Status:
        """SIGTERM to the run's group; SIGKILL after the grace to all of the pod."""
        status = self.status(key)
        if not status.alive:
            return status
        self._records.note(key, lambda record: replace(record, why=record.why or "stopped"))
        going = [pod for pod in self._pods.of(key) if "terminated" not in main(pod)]
        heard = [self._pods.ask_to_end(pod, grace_s) for pod in going]
        if heard and all(heard):
            status = self.wait(key, grace_s + OVERDUE_S)
        if status.alive:
            # It waits for its turn, or does not hear us.
            self._cluster.delete(JOB, self._names.run(key))
            for pod in self._pods.of(key):
                # With a grace of 0 the cluster would forget the pod before its node has ended it.
                self._pods.remove(pod, grace_s=1)
            status = self.wait(key, REMOVED_S)
        return status

    def get(self, key: Key, name: str, target: Path) -> str:
        """Copy a file out of the run's folder; gives its SHA-256."""
        running = (pod for pod in self._pods.of(key) if "running" in main(pod))
        return self._folders.get(key, name, target, next(running, None))

    def known(self) -> list[Key]:
        """All runs that something is written about."""
        # Whoever asks this is about to ask for each of them.
        self._pods.watch()
        return sorted(self._records.keys(), key=lambda key: (key.workload, key.unit, key.generation))

    def forget(self, key: Key) -> None:
        """Remove a run that has ended. Raises SitusError while it runs."""
        if self.status(key).alive:
            raise still_runs(key.workload)
        self._cluster.delete(JOB, self._names.run(key))
        record = self._records.run(key)
        if record is not None and record.nodes > 1:
            self._cluster.delete(SERVICE, self._names.run(key))
        self._folders.remove(key)
        # Last: while this is there, nobody takes the run for one that never was.
        self._records.remove(key)

    def _why_no_pod(self, key: Key, status: Status) -> Status:
        """What keeps a job from having all of its pods, such as a quota."""
        said = self._cluster.warnings(self._names.run(key))
        return replace(status, detail=f"{status.detail}: {said[-1]}") if said else status

    def _end_others(self, key: Key, record: Record, pods: Sequence[Object]) -> None:
        """When one of several has failed; most hear of it by themselves, but not every failure can tell them."""
        if record.nodes == 1 or record.broken or record.why is not None:
            return
        others = to_be_ended(record, pods)
        for pod in others:
            heard = False
            with suppress(Unreachable):
                heard = self._pods.ask_to_end(pod, GRACE_BESIDE_S)
            if not heard:
                # It waits, or its node is away.
                self._pods.remove(pod, GRACE_BESIDE_S)
        if others:
            self._records.note(key, lambda record: replace(record, broken=True))


def _on(nodes: int, record: Record) -> Record:
    """It is to run on so many nodes, unless it does on others already."""
    return record if record.begun else replace(record, nodes=nodes)
