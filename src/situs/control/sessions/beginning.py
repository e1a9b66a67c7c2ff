"""From what a person asks for to the workload of a session, and to the sites that can have one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from math import ceil
from typing import TYPE_CHECKING

from situs.control.asked import Asked, workload_of
from situs.model.error import InputError, SitusError
from situs.sites.adapter import Enterable

if TYPE_CHECKING:
    from situs.control.connect import Connect
    from situs.model.estate import Site
    from situs.model.workload import Workload

SCRIPT = ".situs-session.sh"
"""What keeps the terminal, as it is called in the run's folder."""
PLAIN_TERMINAL = "xterm-256color"
"""What nearly all programs of today that show terminals understand."""


def session_of(asked: Asked, idle_min: float) -> Workload:
    """The workload of a session that ends after so many minutes without a sign of life; 0: never by itself.

    Raises InputError that says which word is wrong.
    """
    from situs.model.workload import Stage

    idle_s = ceil(idle_min * 60)
    env = {"TERM": os.environ.get("TERM") or PLAIN_TERMINAL, **asked.env}
    words = replace(asked, command=(SCRIPT, "keep", str(idle_s)), env=env, retries=0)
    return workload_of(words, (SCRIPT,)).model_copy(update={"stage": Stage.DEVELOP})


def content(archive: bytes) -> dict[str, bytes]:
    """What is sent with it: the code of the folder, and what keeps the terminal."""
    return {".": archive, SCRIPT: (files("situs.control.sessions") / "session.sh").read_bytes()}


def is_session(workload: Workload) -> bool:
    """Whether it keeps a terminal that one can come to."""
    return workload.run is not None and SCRIPT in workload.run.command


def possible(sites: Mapping[str, Site], connect: Connect, only: frozenset[str] | None) -> frozenset[str]:
    """Those sites where a person can come to a run; ``only``: of these. Raises InputError when there is none.

    Who has named a site where that cannot be is told so.
    """
    able, unable = set(), {}
    for name, site in sites.items():
        if only is not None and name not in only:
            continue
        try:
            opened = connect(name, site)
        except SitusError:
            # What is wrong with it is told by those who need it; nothing is placed there by us.
            unable[name] = site.adapter.kind
            continue
        if isinstance(opened, Enterable):
            able.add(name)
        else:
            unable[name] = site.adapter.kind
    named = sorted(set(unable) & (only or set()))
    if named or (unable and not able):
        there = ", ".join(f"{name} (kind {unable[name]})" for name in named or sorted(unable))
        raise InputError(
            f"nobody can come to a run at {there}: sessions are possible at sites of kind local, ssh, slurm and "
            "container; `situs run` has work done at any of them"
        )
    return frozenset(able)
