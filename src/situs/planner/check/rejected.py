"""What the checker raises, and how it words many offenders of one kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from situs.model.error import SitusError

SHOWN = 3
"""How many offenders of one kind are spelled out before the rest is only counted."""


class Rejected(SitusError):
    """A placement or a certificate does not hold what it claims; ``violations`` has one sentence each."""

    def __init__(self, violations: Iterable[str]) -> None:
        self.violations = tuple(violations)
        super().__init__("The checker rejects this:\n" + "\n".join(f"- {line}" for line in self.violations))


class MalformedProblem(SitusError):
    """The arrays of a problem contradict each other; ``faults`` has one sentence each."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            "The problem's arrays are malformed:\n" + "\n".join(f"- {line}" for line in self.faults)
        )


def name_offenders(bad: NDArray[np.bool_], sentence: Callable[[int], str]) -> list[str]:
    """Sentences for the first offenders in ``bad`` and a count of the others."""
    where = np.flatnonzero(bad)
    lines = [sentence(int(index)) for index in where[:SHOWN]]
    if len(where) > SHOWN:
        lines.append(f"... and {len(where) - SHOWN} more of the same kind.")
    return lines
