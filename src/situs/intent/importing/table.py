"""Tables as spreadsheets write them: any separator, any of three encodings, decimal points or commas."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from situs.intent.reader import file_bytes, printable
from situs.model.error import InputError, Position, Problem

LARGEST_TABLE_BYTES = 64 * 2**20
MOST_COLUMNS = 500
GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Table:
    """The header and the way to the rows."""

    file: str
    header: tuple[str, ...]
    separator: str
    encoding: str
    _text: str

    def rows(self) -> Iterator[tuple[Position, list[str]]]:
        """Each row that is not empty, with its place. Raises InputError for what is no table."""
        reader = csv.reader(io.StringIO(self._text, newline=""), delimiter=self.separator)
        line = 1
        try:
            for number, cells in enumerate(reader):
                at = Position(self.file, line, 1)
                line = reader.line_num + 1
                if number > 0 and any(cell.strip() for cell in cells):
                    yield at, [cell.strip() for cell in cells]
        except csv.Error as error:
            raise InputError(
                [Problem(f"this is not a table: {error}", Position(self.file, line, 1))]
            ) from None


def read_table(path: Path) -> Table:
    """The table in a file."""
    name = printable(str(path))
    raw = file_bytes(path, LARGEST_TABLE_BYTES, "split it")
    return table_of(raw, name)


def table_of(raw: bytes, name: str) -> Table:
    """The table in some bytes."""
    text, encoding = _text(_unpacked(raw, name))
    first = text.lstrip("\r\n").splitlines()[0] if text.strip() else ""
    if not first.strip():
        raise InputError([Problem("the table is empty", Position(name), "the first line names the columns")])
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        what = "this is not a table: it contains the character U+0000"
        raise InputError([Problem(what, Position(name, line, 1), "save the sheet as CSV")])
    text = text.lstrip("\r\n")
    separator = max(",;\t|", key=first.count)
    try:
        header = next(csv.reader([first], delimiter=separator))
    except csv.Error as error:
        raise InputError([Problem(f"this is not a table: {error}", Position(name, 1, 1))]) from None
    if len(header) > MOST_COLUMNS:
        raise InputError([Problem(f"the table has {len(header):,} columns", Position(name, 1, 1))])
    return Table(name, tuple(cell.strip() for cell in header), separator, encoding, text)


def _unpacked(raw: bytes, name: str) -> bytes:
    """What gzip has packed, as traces are published; anything else as it is."""
    if not raw.startswith(GZIP):
        return raw
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as packed:
            # A small file may unpack to a thousand times its size.
            text = packed.read(LARGEST_TABLE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError([Problem(f"this is not a whole gzip file: {error}", Position(name))]) from None
    if len(text) > LARGEST_TABLE_BYTES:
        what = f"the file unpacks to more than {LARGEST_TABLE_BYTES // 2**20} MiB"
        raise InputError([Problem(what, Position(name), "split it")])
    return text


def _text(raw: bytes) -> tuple[str, str]:
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace"), "UTF-16"
    try:
        return raw.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        # What spreadsheets in Western Europe save when they are asked for "CSV".
        return raw.decode("cp1252", "replace"), "Windows-1252"


_NUMBER = re.compile(r"[+-]?[0-9][0-9.,'\u00a0\u202f\u2009 ]*[0-9]|[+-]?[0-9]")


def with_point(text: str, comma: bool) -> str:
    """The first number in a text with a decimal point and no grouping; ``comma``: the table is one where
    numbers have decimal commas. Raises ValueError where both readings make sense."""
    match = _NUMBER.search(text)
    if match is None:
        return text
    number = re.sub(r"['\u00a0\u202f\u2009 ]", "", match[0])
    return text[: match.start()] + _plain_number(number, comma) + text[match.end() :]


def _plain_number(number: str, comma: bool) -> str:
    points, commas = number.count("."), number.count(",")
    if points and commas:
        decimal = max(number.rindex("."), number.rindex(","))
        grouping = "," if number[decimal] == "." else "."
        if number.count(number[decimal]) > 1:
            raise ValueError(f"{number!r} is not a number")
        return number.replace(grouping, "").replace(",", ".")
    grouped = re.fullmatch(r"[+-]?[0-9]{1,3}([.,][0-9]{3})+", number) is not None
    if commas > 1 or points > 1:
        if not grouped:
            raise ValueError(f"{number!r} is not a number")
        return number.replace(",", "").replace(".", "")
    if commas:
        return number.replace(",", "") if grouped and not comma else number.replace(",", ".")
    if points and comma and grouped:
        raise ValueError(
            f"{number!r} may be {number.replace('.', '')} or {number.replace('.', ',')}; write one of them"
        )
    return number
