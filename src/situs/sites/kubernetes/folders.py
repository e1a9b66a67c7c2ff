"""The folders of runs: volumes that are opened by the run's own pod, or by one that does nothing else.

Files go in and come out by a command in that pod, so a folder may lie on anything that the cluster can mount.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from situs.model.error import SitusError
from situs.sites.adapter import Key, Unreachable
from situs.sites.kubernetes.cluster import CLAIM, POD, Cluster, Object
from situs.sites.kubernetes.entering import Done, Gone, entered
from situs.sites.kubernetes.manifests import FOLDERS, MAIN, OPENER, WORK, KubernetesOptions, claim, folder
from situs.sites.kubernetes.names import Names
from situs.sites.kubernetes.states import main
from situs.sites.words import inside

OPENS_S = 120.0
"""An image may have to be fetched, and a volume to be brought to the node."""
BLOCK = 1 << 18
DAMAGED, NOTHING, OUTSIDE = 65, 66, 67
# Whoever the run runs as is to write there; nobody but the run sees it.
MAKE = 'mkdir -p "$1" && chmod 777 "$1"'
REMOVE = 'rm -rf "$1"'
PUT = r"""
set -eu
cd "$1"
shift
mkdir -p work control
umask 022
target=work/$1
mkdir -p "${target%/*}"
part=control/put.$$.$3
trap 'rm -f "$part"' EXIT
head -c "$2" >"$part"
sum=$(sha256sum <"$part")
[ "${sum%% *}" = "$3" ] || exit 65
chmod "$4" "$part"
mv -f "$part" "$target"
"""
GET = r"""
cd "$1/work" 2>/dev/null || exit 66
path=$(readlink -f "$2") && [ -e "$path" ] || exit 66
case $path in "$1/work/"*) ;; *) exit 67 ;; esac
[ -f "$path" ] || exit 67
set -- $(sha256sum <"$path") && echo "$1" && exec cat "$path"
"""


class Folders:
    """The folders of one site's runs."""

    def __init__(self, cluster: Cluster, names: Names, options: KubernetesOptions) -> None:
        self._cluster = cluster
        self._names = names
        self._options = options

    def provide(self, key: Key) -> None:
        """Have the run's folder. Raises Unreachable while one of that name is still being removed."""
        if self._options.claim is not None:
            self._do(key, MAKE)
            return
        deadline = time.monotonic() + OPENS_S
        wanted = claim(key, self._options, self._names)
        while True:
            found = self._cluster.get(CLAIM, self._names.run(key))
            if found is None:
                found = self._cluster.apply(CLAIM, wanted)
            if "deletionTimestamp" not in found["metadata"]:
                return
            if time.monotonic() > deadline:
                raise Unreachable(f"{key.workload}: its former folder is still being removed")
            time.sleep(0.1)

    def put(self, key: Key, source: Path, name: str) -> str:
        """Copy a file into the folder; it appears whole or not at all."""
        path, sent = str(inside(name)), _Sent(source)
        mode = "755" if os.access(source, os.X_OK) else "644"
        command = ("/bin/sh", "-c", PUT, "put", self._place(key), path, str(sent.size), sent.sha256, mode)
        done = entered(self._cluster, self._opened(key), OPENER, command, stdin=sent)
        if done.exit_code == DAMAGED:
            raise Unreachable(f"{key.workload}: {name!r} arrived damaged, or {source} changed meanwhile")
        if done.exit_code:
            raise SitusError(f"{key.workload}: {name!r} cannot be written to its folder: {done.said}")
        return sent.sha256

    def get(self, key: Key, name: str, target: Path, pod: Object | None) -> str:
        """Copy a file out of the folder. ``pod``: the run's own, if there is one."""
        path, received = str(inside(name)), _Received(target)
        try:
            done = self._asked(key, path, received, pod)
            if done.exit_code == NOTHING:
                raise SitusError(f"{key.workload} wrote no file {name!r}")
            if done.exit_code == OUTSIDE:
                raise SitusError(f"{name!r} leads out of the run's folder, or is no plain file")
            if done.exit_code:
                raise SitusError(f"{key.workload}: {name!r} cannot be read: {done.said}")
            return received.complete()
        finally:
            received.close()

    def close(self, key: Key) -> None:
        """Let go of a folder of the run's own: not every volume can be at two nodes at once."""
        if self._options.claim is None:
            self._cluster.delete(POD, self._names.folder(key), grace_s=0)

    def remove(self, key: Key) -> None:
        """Remove the folder with all that is in it."""
        if self._options.claim is not None:
            self._do(key, REMOVE)
            return
        self.close(key)
        self._cluster.delete(CLAIM, self._names.run(key))

    def _asked(self, key: Key, name: str, received: _Received, pod: Object | None) -> Done:
        def command(folder: str) -> tuple[str, ...]:
            return ("/bin/sh", "-c", GET, "get", folder, name)

        if pod is not None and "running" in main(pod):
            own = pod["metadata"]["name"]
            try:
                return entered(self._cluster, own, MAIN, command(WORK), stdout=received.write)
            except Gone:
                # It ended just now; what it wrote is there nevertheless.
                received.begin()
        if self._options.claim is None and self._cluster.get(CLAIM, self._names.run(key)) is None:
            return Done(NOTHING, "")
        place = command(self._place(key))
        return entered(self._cluster, self._opened(key), OPENER, place, stdout=received.write)

    def _do(self, key: Key, script: str) -> None:
        """Do something with the run's folder in the claim that all share."""
        done = entered(
            self._cluster, self._opened(key), OPENER, ("/bin/sh", "-c", script, "do", self._place(key))
        )
        if done.exit_code:
            raise SitusError(f"{key.workload}: its folder in the claim {self._options.claim}: {done.said}")

    def _place(self, key: Key) -> str:
        """Where the pod that opens folders finds this one."""
        return WORK if self._options.claim is None else f"{FOLDERS}/{self._names.run(key)}"

    def _opened(self, key: Key) -> str:
        """The pod through which the folder can be reached, once it runs."""
        wanted, deadline = folder(key, self._options, self._names), time.monotonic() + OPENS_S
        name = str(wanted["metadata"]["name"])
        while True:
            pod = self._cluster.get(POD, name)
            phase = "none" if pod is None else pod["status"].get("phase")
            if pod is None:
                self._cluster.create(POD, wanted)
            elif phase in ("Succeeded", "Failed") and "deletionTimestamp" not in pod["metadata"]:
                self._cluster.delete(POD, name, grace_s=0, uid=pod["metadata"]["uid"])
            elif phase == "Running" and "deletionTimestamp" not in pod["metadata"]:
                return name
            if time.monotonic() > deadline:
                raise Unreachable(f"{key.workload}: its folder cannot be opened: {_why(pod)}")
            time.sleep(0.05)


class _Sent:
    """A file to be sent, read twice: first for its digest."""

    def __init__(self, source: Path) -> None:
        self._source = source
        digest, self.size = hashlib.sha256(), 0
        for block in self:
            digest.update(block)
            self.size += len(block)
        self.sha256 = digest.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        with self._source.open("rb") as file:
            while block := file.read(BLOCK):
                yield block


class _Received:
    """A file as it comes in: a line with its digest, then its content; whole or not at all."""

    def __init__(self, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        self._target = target
        self._new = target.with_name(f".{target.name[:200]}.new")
        self.begin()

    def begin(self) -> None:
        """Forget what came so far."""
        self._head: bytes | None = b""
        self._expected = ""
        self._digest = hashlib.sha256()
        self._file = self._new.open("wb")

    def write(self, piece: bytes) -> None:
        """Take what came next."""
        if self._head is not None:
            self._head += piece
            line, found, piece = self._head.partition(b"\n")
            if not found:
                return
            self._expected, self._head = line.decode("ascii", "replace"), None
        self._digest.update(piece)
        self._file.write(piece)

    def complete(self) -> str:
        """Have the file in its place; gives its SHA-256. Raises Unreachable for one that is not what was sent."""
        found = self._digest.hexdigest()
        if found != self._expected:
            raise Unreachable(f"{self._target.name} arrived damaged, or was written to meanwhile")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._new.replace(self._target)
        return found

    def close(self) -> None:
        """Leave no part of a file behind."""
        self._file.close()
        self._new.unlink(missing_ok=True)


def _why(pod: Object | None) -> str:
    if pod is None:
        return "the cluster makes no pod for it"
    said = [c.get("message") for c in pod["status"].get("conditions") or () if c["status"] != "True"]
    waiting = [
        (s["state"].get("waiting") or {}).get("message") for s in pod["status"].get("containerStatuses") or ()
    ]
    return next((str(text) for text in (*waiting, *said) if text), "its pod does not begin")
