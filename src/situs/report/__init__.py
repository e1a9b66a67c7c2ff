"""Reports: what was decided, for people who decide about money."""

from situs.report.board import board

__all__ = ["board"]
