"""Words for one and for many."""

from __future__ import annotations


def counted(template: str, count: object, /, **values: object) -> str:
    """The form of a template for so many, filled in: ``{n} move|{n} moves``; one form alone serves for all."""
    one, _, many = template.partition("|")
    return (one if count == 1 or not many else many).format(**{"n": count, **values})
