"""What clients of HTTP interfaces have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

NOT_READY = (502, 503, 504)
"""Answers of what stands before a server that is not up."""


def clock_of(answer: httpx.Response) -> datetime | None:
    """The time that the server has; None when it does not say."""
    try:
        return parsedate_to_datetime(answer.headers.get("Date", "")).astimezone(UTC)
    except ValueError:
        return None
