"""CSV as rows that know their line, with every problem found at once."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from situs.model.base import Model
from situs.model.error import InputError, Position, Problem

M = TypeVar("M", bound=Model)

MOST_PROBLEMS = 100
"""Whoever has more mistakes than this has one mistake a hundred times."""


@dataclass(frozen=True)
class Row:
    """The cells of one row that say something, by column, and where the row stands."""

    at: Position
    cells: Mapping[str, str]


def read_rows(
    content: bytes, name: str, required: Sequence[str], *, delimiter: str = ","
) -> tuple[list[Row], list[Problem]]:
    """All rows that can be read, and what is wrong with the others; ``name`` stands for the file."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return [], [Problem("the file is not UTF-8 text", Position(name, line, 1), "save it as UTF-8")]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    rows: list[Row] = []
    problems: list[Problem] = []
    try:
        header = [cell.strip() for cell in next(reader, [])]
        problems.extend(_of_header(header, name, required))
        if problems:
            return [], problems
        line = reader.line_num + 1
        for cells in reader:
            at, line = Position(name, line, 1), reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                problems.append(
                    Problem(
                        f"the row has {len(cells)} cells, the header {len(header)}",
                        at,
                        "quote commas in text",
                    )
                )
                continue
            said = {column: cell.strip() for column, cell in zip(header, cells, strict=True)}
            rows.append(Row(at, {column: cell for column, cell in said.items() if column and cell}))
    except csv.Error as error:
        problems.append(Problem(f"this is not CSV: {error}", Position(name, reader.line_num, 1)))
    return rows, problems


def _of_header(header: list[str], name: str, required: Sequence[str]) -> list[Problem]:
    at = Position(name, 1, 1)
    twice = sorted({column for column in header if column and header.count(column) > 1})
    problems = [Problem(f"the column {column!r} stands twice in the header", at) for column in twice]
    for column in required:
        if column not in header:
            close = difflib.get_close_matches(column, header, n=1)
            fix = (
                f"is {close[0]!r} meant for it?"
                if close
                else f"columns are {', '.join(filter(None, header)) or 'none'}"
            )
            problems.append(Problem(f"the column {column!r} is missing", at, fix))
    return problems


def told(error: ValidationError, at: Position) -> list[Problem]:
    """What a model says is wrong, as problems at a place."""
    problems = []
    for item in error.errors(include_url=False, include_context=False):
        field = ".".join(str(part) for part in item["loc"]) or "this"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "missing":
            problems.append(Problem(f"{field} is missing", at))
        else:
            problems.append(Problem(f"{field}: {_shortened(item['input'])} is not usable: {message}", at))
    return problems


def refuse(problems: Sequence[Problem]) -> None:
    """Raise InputError when there are problems: all of them, in the order of the file."""
    if not problems:
        return
    ordered = sorted(set(problems), key=lambda p: (p.at or Position(""), p.what))
    more = len(ordered) - MOST_PROBLEMS
    raise InputError(
        [*ordered[:MOST_PROBLEMS], *([Problem(f"and {more} more problems")] if more > 0 else [])]
    )


def built(model: type[M], fields: Mapping[str, object], at: Position, problems: list[Problem]) -> M | None:
    """A model from fields; None, and the reasons added to ``problems``, where it cannot be."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        problems.extend(told(error, at))
        return None


def _shortened(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
