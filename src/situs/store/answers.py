"""What was answered to requests that carry a key, so that one that is sent again is not done again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, select, update

from situs.store.database import clock
from situs.store.insert import insert_missing
from situs.store.tables import answers

KEPT = timedelta(hours=24)


@dataclass(frozen=True)
class Answer:
    """One request, and what came of it."""

    request: str
    """hash of what was asked for"""
    status: int | None
    """None: it was begun, and nobody knows how far it came"""
    body: Any


def begin(connection: Connection, who: str, key: str, request: str) -> Answer | None:
    """Note that it is begun; gives what was noted before under this key, if anything."""
    now = clock(connection)
    connection.execute(delete(answers).where(answers.c.at < now - KEPT))
    row = connection.execute(
        select(answers.c.request, answers.c.status, answers.c.body).where(
            answers.c.who == who, answers.c.key == key
        )
    ).one_or_none()
    if row is not None:
        return Answer(*row)
    insert_missing(
        connection,
        answers,
        [{"who": who, "key": key, "request": request, "at": now, "status": None, "body": None}],
    )
    return None


def end(connection: Connection, who: str, key: str, status: int, body: Any) -> None:
    """Note what was answered."""
    mine = (answers.c.who == who) & (answers.c.key == key)
    connection.execute(update(answers).where(mine).values(status=status, body=body))
