"""Deciding in a process of its own: minutes of arithmetic must not keep the control plane from its lease.

The child gets its question over standard input and gives the plan over standard output.  It is ours, from the
same installation, so the question may be pickled.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import Any

from situs.model.error import InputError, SitusError
from situs.model.plan import Plan

LOOK_S = 0.2
WRONG = 2
"""Exit code for a question that has no answer, such as an estate that contradicts itself."""


def decided(question: dict[str, Any], wanted: Callable[[], bool]) -> Plan | None:
    """The plan for these arguments of :func:`situs.planner.decide.decide`; None once it is not wanted any more.

    Raises InputError for a question that is wrong, and SitusError when the child failed.
    """
    with TemporaryFile() as asked:
        pickle.dump(question, asked)
        asked.seek(0)
        child = subprocess.Popen(
            [sys.executable, "-m", "situs.control.deciding"],
            stdin=asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
    with child:
        while True:
            try:
                plan, said = child.communicate(timeout=LOOK_S)
                break
            except subprocess.TimeoutExpired:
                if not wanted():
                    child.kill()
    if not wanted():
        return None
    if child.returncode == 0:
        return Plan.model_validate_json(plan)
    last = said.decode(errors="replace").strip()
    if child.returncode == WRONG:
        raise InputError(last)
    raise SitusError(f"planning failed with exit code {child.returncode}: {last.splitlines()[-1:] or ''}")


def main() -> None:
    """The child."""
    from situs.planner.decide import decide

    question = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - from our parent
    try:
        plan = decide(**question).plan
    except InputError as error:
        sys.stderr.write("; ".join(str(problem) for problem in error.problems))
        sys.exit(WRONG)
    sys.stdout.write(plan.model_dump_json())


if __name__ == "__main__":
    main()
