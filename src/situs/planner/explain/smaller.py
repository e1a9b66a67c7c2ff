"""A change made a little smaller, to show that it is the smallest that does it."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from pydantic import JsonValue

from situs.planner.explain.edits import Edit
from situs.planner.explain.model import Change

SMALLER = 0.98
"""A change without natural steps is tried at 98 % of its size."""

MILLIONTH = Decimal("0.000001")


def smaller(change: Change, share: float = SMALLER) -> Change | None:
    """The change at ``share`` of its size, or one step less where it comes in steps; None: there is none."""
    edits = tuple(edit.model_copy(update={"value": _back(edit, share)}) for edit in change.edits)
    if all(edit.value == edit.was for edit in edits) or edits == change.edits:
        return None
    size = change.size
    if size is not None:
        size = size * share if not _in_steps(change.edits[0]) else size - 1.0
    return change.model_copy(update={"edits": edits, "size": size})


def smaller_sets(changes: tuple[Change, ...]) -> list[tuple[Change, ...]]:
    """The same changes with one of them made smaller, and with one of them left out."""
    found = []
    for number, change in enumerate(changes):
        before, after = changes[:number], changes[number + 1 :]
        less = smaller(change)
        if less is not None:
            found.append((*before, less, *after))
        found.append((*before, *after))
    return found


def comes_in_steps(change: Change) -> bool:
    """Whether what can be made smaller about it are whole numbers."""
    return all(_in_steps(edit) for edit in change.edits if _back(edit, SMALLER) != edit.value)


def _in_steps(edit: Edit) -> bool:
    return isinstance(edit.was, int) and isinstance(edit.value, int)


def _back(edit: Edit, share: float) -> JsonValue:
    """A value between the old and the new one, near the new one; the new one where there is nothing between."""
    was, value = edit.was, edit.value
    if isinstance(value, dict) and isinstance(was, dict) and "price" in value and "price" in was:
        inner = Edit(path=edit.path, value=value["price"], was=was["price"])
        return {**value, "price": _back(inner, share)}
    if isinstance(was, bool) or isinstance(value, bool) or was is None:
        return value
    if isinstance(was, int) and isinstance(value, int):
        return value - 1 if value > was else value + 1 if value < was else value
    if isinstance(was, int | float) and isinstance(value, int | float):
        return was + (value - was) * share
    if isinstance(was, str) and isinstance(value, str):
        return _text_back(was, value, share)
    return value


def _text_back(was: str, value: str, share: float) -> str:
    """Instants and money; other text has nothing between."""
    try:
        begin, end = datetime.fromisoformat(was), datetime.fromisoformat(value)
        return (begin + (end - begin) * share).isoformat()
    except ValueError:
        pass
    before, _, unit = was.partition(" ")
    after, _, same_unit = value.partition(" ")
    try:
        amount = Decimal(before) + (Decimal(after) - Decimal(before)) * Decimal(str(share))
    except ArithmeticError:
        return value
    amount = amount.quantize(MILLIONTH, ROUND_UP if Decimal(after) > Decimal(before) else ROUND_DOWN)
    return f"{amount:f} {unit}" if unit and unit == same_unit else value
