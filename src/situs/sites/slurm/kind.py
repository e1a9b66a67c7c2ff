"""The kind of site ``slurm``: its options as an estate writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from situs.model.secret import reference
from situs.sites.adapter import Adapter
from situs.sites.kinds import ACCESS, absolute, shell_of, yes_or_no
from situs.sites.registry import Kind, Option
from situs.sites.shell import ThisMachine
from situs.sites.web import address_of

_AFTER = r"after(?:any|ok|notok|corr)?(?::[0-9]+(?:_[0-9]+)?(?:\+[0-9]+)?)+"


def _dependency(text: str) -> str:
    if not re.fullmatch(rf"{_AFTER}(?:,{_AFTER})*|{_AFTER}(?:\?{_AFTER})*", text):
        raise ValueError(
            f"{text!r} names no jobs to wait for; write it as afterok:4711 or afterany:4711:4712, as sbatch takes it"
        )
    return text


SUBMISSION = {
    "folder": Option(
        "absolute path of a folder that the compute nodes and whoever drives the cluster share", absolute,
        required=True,
    ),
    "partition": Option("partition to submit to; else the cluster's default"),
    "account": Option("account that is charged; else the user's default"),
    "qos": Option("quality of service; else the default"),
    "constraint": Option("features that nodes must have, as sbatch takes them"),
    "gres": Option("generic resource that accelerators are, such as gpu or gpu:h100"),
    "dependency": Option(
        "jobs of the cluster that each run waits for, as sbatch takes them, such as afterok:4711", _dependency
    ),
    "requeue": Option("yes: Slurm may start a run again by itself", yes_or_no),
}  # fmt: skip


def _address(text: str) -> str:
    return address_of(text, "slurmrestd", "https://slurm.example:6820")


def _ca(text: str) -> str:
    if not Path(text).is_absolute():
        raise ValueError(f"{text!r} is no absolute path of a file")
    return text


REST = {
    "address": Option("of slurmrestd, which then does what Slurm's commands do otherwise", _address),
    "token": Option(
        "where the token for slurmrestd is kept, as env:NAME, file:NAME or vault:PATH#KEY", reference
    ),
    "user": Option("whose token it is; else the user that it names"),
    "ca": Option(
        "file with the certificate of who signs that of slurmrestd; else those of this machine", _ca
    ),
    "mount": Option("where this machine sees the folder; else under the same path as the nodes", absolute),
    "path": Option("PATH of jobs: work on several nodes needs srun in it; else that of a usual system"),
}


def _check(options: Mapping[str, Any]) -> Iterator[str]:
    if "address" not in options:
        if alone := sorted((REST.keys() - {"address"}) & options.keys()):
            yield f"{', '.join(alone)}: only with the address of a slurmrestd"
        return
    if "token" not in options:
        yield "slurmrestd knows its users by a token; give where it is kept, as token: file:NAME"
    if "host" in options and "mount" in options:
        yield "give either host, which sees the folder, or mount, where this machine does"


def _open(name: str, options: Mapping[str, Any], folder: Path) -> Adapter:
    from situs.sites.secrets import secret
    from situs.sites.slurm.rest.api import SlurmApi
    from situs.sites.slurm.rest.site import SlurmRestSite
    from situs.sites.slurm.site import SlurmSite
    from situs.sites.slurm.submission import SlurmOptions

    shell = shell_of(options["host"], options, folder) if "host" in options else ThisMachine()
    told = SlurmOptions(**{name: options[name] for name in (*SUBMISSION, "mount", "path") if name in options})
    if "address" not in options:
        return SlurmSite(shell, told)
    api = SlurmApi(
        options["address"], lambda: secret(options["token"], folder), options.get("user"), options.get("ca")
    )
    return SlurmRestSite(shell, told, api)


SLURM = Kind({**ACCESS, **SUBMISSION, **REST}, _open, _check)
