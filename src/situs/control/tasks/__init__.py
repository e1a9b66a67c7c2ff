"""Python functions as work: packed here, run by a small script at the site, the result fetched as a file."""

from situs.control.tasks.packing import RESULT, TaskFailed, outcome, packed, support

__all__ = ["RESULT", "TaskFailed", "outcome", "packed", "support"]
