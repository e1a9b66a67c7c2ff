"""A real Slurm cluster of several nodes on this machine, from Debian's packages and without systemd.

Its daemons are ordinary processes of a folder: one munged that vouches for users, one slurmctld that decides,
one slurmd for each node.  Whatever a test does to a cluster (kill its controller, have a node fail, cancel
jobs as its administrator) it does to these.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

PACKAGES = {
    "munged": "munge",
    "slurmctld": "slurm-wlm",
    "slurmd": "slurm-wlm",
    "sbatch": "slurm-client",
}
"""Debian's packages by the commands they give."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NODES, CPUS, MEMORY_MIB, GPUS = 3, 2, 3000, 2
"""Of each node. There are no more processors than the machine has: the limits on them are the kernel's own."""
READY_S = 30.0
_NUMBERS = count(1)
"""Of the nodes that this process starts."""

CONFIG = """\
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthInfo=socket={folder}/munge/socket,cred_expire=5
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
PlugStackConfig={folder}/plugstack.conf
SlurmctldParameters=enable_configless
SlurmdParameters=config_overrides
ProctrackType=proctrack/cgroup
TaskPlugin=task/cgroup
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,bf_interval=1,requeue_setup_env_fail
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
GresTypes=gpu
KillWait=2
MinJobAge={min_job_age}
MessageTimeout=10
SlurmdTimeout=30
SlurmctldTimeout=5
ReturnToService=2
MpiDefault=none
SwitchType=switch/none
DefMemPerCPU=300
{nodes}
PartitionName=batch Nodes=ALL Default=YES MaxTime=1-0 DefaultTime=60 PriorityTier=10
PartitionName=idle Nodes=ALL MaxTime=1-0 DefaultTime=60 PriorityTier=1
"""
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={cpus} Boards=1 SocketsPerBoard=1 "
    "CoresPerSocket={cpus} ThreadsPerCore=1 RealMemory={memory} Gres=gpu:h100:{gpus} State=UNKNOWN"
)
CGROUPS = """\
CgroupAutomount=yes
ConstrainCores=yes
ConstrainRAMSpace=yes
ConstrainDevices=no
"""


def missing_packages() -> list[str]:
    """Debian packages that a cluster needs and this machine has not."""
    return sorted(
        {package for command, package in PACKAGES.items() if not shutil.which(command, path=SYSTEM_PATH)}
    )


class SlurmCluster:
    """One cluster; runs from :meth:`start` to :meth:`stop`."""

    def __init__(
        self, folder: Path, min_job_age_s: int = 300, nodes: int = NODES, memory_mib: int = MEMORY_MIB,
        within: tuple[str, ...] = (), tokens: bool = False,
    ) -> None:  # fmt: skip
        """``within``: a command that runs its daemons, such as one that shows them another home; ``tokens``: it
        also takes JSON Web Tokens, signed with the key in its folder."""
        self.folder = folder
        self._within = within
        # Control groups are named after nodes, and other clusters of this machine have theirs beside ours.
        self.nodes = [f"n{os.getpid()}-{next(_NUMBERS)}" for _ in range(nodes)]
        self._host = socket.gethostname().partition(".")[0]
        self._ports = free_ports(nodes + 1)
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self._write(min_job_age_s, memory_mib, tokens=tokens)

    @property
    def env(self) -> Mapping[str, str]:
        """What commands need in their environment to speak with this cluster."""
        return {"PATH": SYSTEM_PATH, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def start(self) -> None:
        """Start all daemons and wait until jobs can run."""
        munge = self.folder / "munge"
        self._begin(
            "munged", "--foreground", "--force", f"--key-file={munge}/key", f"--socket={munge}/socket",
            f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed", "--num-threads=2",
        )  # fmt: skip
        self._until(lambda: (munge / "socket").exists(), "munged listens")
        self.start_controller()
        for node in self.nodes:
            self.start_node(node)
        self.wait_for_nodes()

    def stop(self) -> None:
        """End all daemons and what still runs on the nodes."""
        with contextlib.suppress(subprocess.SubprocessError):
            self.clear()
        for name in reversed([*self._daemons]):
            self.end(name, signal.SIGTERM)

    @contextlib.contextmanager
    def impatient(self) -> Iterator[None]:
        """For a while, what does not answer within seconds is given up.

        At other times it is not: on a busy machine nodes are late now and then, and no job would be given to them.
        """
        file = self.folder / "slurm.conf"
        patient = file.read_text()
        file.write_text(re.sub(r"(MessageTimeout|SlurmdTimeout)=\d+", r"\1=5", patient))
        self.command("scontrol", "reconfigure")
        try:
            yield
        finally:
            file.write_text(patient)
            self.command("scontrol", "reconfigure")
            self.wait_for_nodes()

    def saved(self, job: str) -> bool:
        """Whether the controller has written down a job of this name; the number of one that it loses it gives away."""
        state = self.folder / "state" / "job_state"
        return state.exists() and job.encode() in state.read_bytes()

    def clear(self) -> None:
        """End all jobs, so that the next test has the cluster for itself."""
        while jobs := self.command("squeue", "--noheader", "--format=%A").split():
            for how in (["--signal=KILL", "--full"], []):
                subprocess.run(["scancel", *how, *jobs], env=self.env, capture_output=True, timeout=READY_S)
            time.sleep(0.05)

    def wait_for_nodes(self) -> None:
        """Until all nodes can take work."""
        deadline = time.monotonic() + 2 * READY_S
        while not (states := self.node_states()) <= {"idle", "mixed", "allocated", "completing"}:
            assert time.monotonic() < deadline, (
                f"nodes stay {states}: {self.command('sinfo', '--list-reasons')}"
            )
            time.sleep(0.05)

    def resume(self) -> None:
        """Let nodes that were drained take work again."""
        for node in self.nodes:
            if "drain" in self.command("sinfo", "--noheader", f"--nodes={node}", "--format=%T"):
                self.command("scontrol", "update", f"nodename={node}", "state=resume")

    def command(self, *words: str) -> str:
        """Do something as the cluster's administrator; gives what it printed."""
        done = subprocess.run(words, env=self.env, capture_output=True, text=True, timeout=30, check=True)
        return done.stdout

    def node_states(self) -> set[str]:
        """States that any node is in; none while the controller does not answer."""
        done = subprocess.run(
            ["sinfo", "--noheader", "--Node", "--format=%T"], env=self.env, capture_output=True, text=True
        )
        return set(done.stdout.split()) if done.returncode == 0 and done.stdout.strip() else {"no answer"}

    def start_controller(self) -> None:
        """Start slurmctld, with what it knew before."""
        self._begin("slurmctld", "-D", *([] if any((self.folder / "state").iterdir()) else ["-i"]))
        self._until(lambda: listens(self._ports[0]), "slurmctld listens")

    def start_node(self, node: str) -> None:
        """Start the daemon of one node."""
        self._begin("slurmd", "-D", "-N", node, name=node)
        port = self._ports[1 + self.nodes.index(node)]
        self._until(lambda: listens(port), f"slurmd of {node} listens")

    def end(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a daemon: ``munged``, ``slurmctld``, or one of a node by the node's name."""
        process = self._daemons.pop(name)
        process.send_signal(how)
        process.wait(READY_S)

    def _begin(self, program: str, *args: str, name: str | None = None) -> None:
        path = shutil.which(program, path=SYSTEM_PATH)
        assert path is not None, program
        with (self.folder / f"{name or program}.out").open("ab") as said:
            self._daemons[name or program] = subprocess.Popen(
                [*self._within, path, *args], stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=dict(self.env),
                start_new_session=True,
            )  # fmt: skip

    def _until(self, true: object, what: str) -> None:
        deadline = time.monotonic() + READY_S
        while not true():  # type: ignore[operator]
            dead = [name for name, process in self._daemons.items() if process.poll() is not None]
            assert not dead, f"{dead} ended: {self._said(dead[0])}"
            assert time.monotonic() < deadline, f"waited {READY_S:.0f} s in vain: {what}"
            time.sleep(0.02)

    def _said(self, name: str) -> str:
        files = [self.folder / f"{name}.out", self.folder / f"{name}.log", self.folder / f"slurmd-{name}.log"]
        return "\n".join(file.read_text(errors="replace")[-2000:] for file in files if file.exists())

    def _write(self, min_job_age_s: int, memory_mib: int, *, tokens: bool) -> None:
        for part in ("munge", "state", "gpus"):
            (self.folder / part).mkdir(parents=True)
        # Commands of other users must reach the socket; the key is for munged alone.
        (self.folder / "munge").chmod(0o711)
        key = self.folder / "munge" / "key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)
        nodes = [
            NODE.format(name=node, host=self._host, port=port, cpus=CPUS, memory=memory_mib, gpus=GPUS)
            for node, port in zip(self.nodes, self._ports[1:], strict=True)
        ]
        config = CONFIG.format(
            name=f"c{os.getpid()}", host=self._host, ports=self._ports, folder=self.folder,
            min_job_age=min_job_age_s, nodes="\n".join(nodes),
        )  # fmt: skip
        if tokens:
            (self.folder / "jwt.key").touch(mode=0o600)
            (self.folder / "jwt.key").write_bytes(secrets.token_bytes(32))
            config += f"AuthAltTypes=auth/jwt\nAuthAltParameters=jwt_key={self.folder}/jwt.key\n"
        # A link to a character device is taken for a device of its own: that is all a pretended GPU needs.
        for number in range(GPUS):
            (self.folder / "gpus" / f"gpu{number}").symlink_to("/dev/null")
        (self.folder / "gres.conf").write_text(
            f"Name=gpu Type=h100 File={self.folder}/gpus/gpu[0-{GPUS - 1}]\n"
        )
        (self.folder / "cgroup.conf").write_text(CGROUPS)
        (self.folder / "plugstack.conf").write_text("")
        (self.folder / "slurm.conf").write_text(config)


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def listens(port: int) -> bool:
    """Whether somebody listens on a port of the loopback address."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
