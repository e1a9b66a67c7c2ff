"""The keys by which one leaves a session, told from all that is typed into it."""

from __future__ import annotations

import pytest

from situs.cli.terminal import TIMES, WITHIN_S, Keys

KEY = b"\x1d"


@pytest.mark.parametrize("pieces", [[KEY * TIMES], [KEY] * TIMES, [b"ls\r" + KEY, KEY * 2 + b"more"]])
def test_three_times_in_a_row_is_the_wish_to_leave(pieces: list[bytes]) -> None:
    keys, passed = Keys(), b""
    for piece in pieces:
        text, left = keys.typed(piece, 0.0)
        passed += text
    assert left
    assert KEY not in passed


def test_once_or_twice_goes_to_the_program() -> None:
    keys = Keys()
    assert keys.typed(b"a" + KEY + b"b" + KEY * 2 + b"c", 0.0) == (b"a" + KEY + b"b" + KEY * 2 + b"c", False)


def test_what_was_held_back_goes_on_after_a_while() -> None:
    keys = Keys()
    assert keys.typed(KEY * 2, 5.0) == (b"", False)
    assert keys.due(5.0 + WITHIN_S) == b""
    assert keys.due(5.1 + WITHIN_S) == KEY * 2
    assert keys.due(99.0) == b""
    assert keys.typed(KEY, 100.0) == (b"", False)
    assert keys.typed(KEY, 100.0 + 2 * WITHIN_S) == (KEY, False)
