"""``python -m bench.plan_hash FOLDER``: plan the estate in a folder and print the plan's hash."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from situs.sdk import open_estate

GAP = 1e-3
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)

if __name__ == "__main__":
    print(open_estate(sys.argv[1], at=AT, gap=GAP).plan().id)
