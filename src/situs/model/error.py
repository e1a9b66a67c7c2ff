"""Errors a user can act on: each is a sentence with a cause and, where known, a fix."""

from __future__ import annotations

from dataclasses import dataclass


class SitusError(Exception):
    """Base of all errors that situs raises on purpose; faces print it and exit with ``exit_code``."""

    exit_code = 1


class InputError(SitusError):
    """What the user gave cannot be used. Carries every problem found, not only the first."""

    exit_code = 2

    def __init__(self, problems: list[Problem] | str) -> None:
        self.problems = [Problem(problems)] if isinstance(problems, str) else problems
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, order=True)
class Position:
    """Where something stands in a file; line and column count from 1, 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in the input."""

    what: str
    """a sentence: what is wrong, with the offending value"""
    at: Position | None = None
    fix: str | None = None
    """what would be right, where that can be told"""

    def __str__(self) -> str:
        place = f"{self.at}: " if self.at else ""
        fix = f" ({self.fix})" if self.fix else ""
        return f"{place}{self.what}{fix}"
