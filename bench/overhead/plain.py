"""What people do without any of it: ssh with a command, srun, and sbatch with a look at its file again and again.

Nothing is sent and nobody looks after the run: this is what the rest is added to.
"""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from bench.overhead.terminal import first_line_s
from bench.slurm_cluster import SlurmCluster
from bench.sshd import SshServer

SUBMIT = (
    "rm -f out; sbatch --quiet --output=out --wrap='python3 train.py'; "
    "until [ -s out ]; do sleep 0.05; done; cat out"
)


def over_ssh(server: SshServer, known_hosts: Path, code: Path) -> float:
    """``ssh HOST python3 train.py``, by a connection of its own."""
    words = [
        "ssh", "-F", "none", "-i", str(server.identity), "-o", f"UserKnownHostsFile={known_hosts}",
        "-p", str(server.port), f"{getpass.getuser()}@127.0.0.1", f"cd '{code}' && python3 train.py",
    ]  # fmt: skip
    return first_line_s(words, cwd=code, env=os.environ)


def by_srun(slurm: SlurmCluster, code: Path) -> float:
    """``srun python3 train.py`` on an idle cluster."""
    return first_line_s(["srun", "--quiet", "python3", "train.py"], cwd=code, env={**os.environ, **slurm.env})


def by_sbatch(slurm: SlurmCluster, code: Path) -> float:
    """``sbatch``, and its output as soon as there is any."""
    return first_line_s(["sh", "-c", SUBMIT], cwd=code, env={**os.environ, **slurm.env})
