"""What a page is made of: sections with a heading, a sentence, perhaps a picture, perhaps tables."""

from __future__ import annotations

from dataclasses import dataclass, field

SLIM = 3
"""Columns a table may have to stay narrow; figures far from their names are hard to read."""


@dataclass(frozen=True)
class Cell:
    """One value, with a smaller line beneath it."""

    text: str
    more: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Table:
    """Rows under headings."""

    heads: tuple[tuple[str, bool], ...]
    """(heading, whether its figures stand to the right)"""
    rows: tuple[tuple[Cell, ...], ...]
    sum: bool = False
    """the last row is the sum"""
    more: str = ""
    """a sentence beneath, such as how many rows are not shown"""
    dense: bool = False
    """for looking things up, not for reading"""

    @property
    def slim(self) -> bool:
        """Few short columns: no need to stretch it over the page."""
        return not self.dense and len(self.heads) <= SLIM


@dataclass(frozen=True)
class Section:
    """One part of the page."""

    key: str
    """the same in every language; also the anchor in the page"""
    title: str
    note: str = ""
    svg: str = ""
    narrow_svg: str = ""
    """shown instead on narrow screens; empty: the same"""
    legend: tuple[str, ...] = field(default=())
    tables: tuple[Table, ...] = ()
    more: str = ""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.svg and not any(table.rows for table in self.tables)
