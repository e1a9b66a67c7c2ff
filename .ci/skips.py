"""Fails when a test was skipped for any reason that is not in ``allowed-skips.txt``.

A test that is skipped because a browser, a data set or a program is missing looks green and tests nothing;
where everything can be installed, it must run.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as Xml
from pathlib import Path

ALLOWED = Path(__file__).with_name("allowed-skips.txt")


def main(reports: list[str]) -> int:
    """Exit code 1, with a line for each such test, or 0."""
    allowed = [
        re.compile(line)
        for line in ALLOWED.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    ran = 0
    wrong = []
    for report in reports:
        for case in Xml.parse(report).iter("testcase"):
            ran += 1
            for skip in case.iter("skipped"):
                reason = skip.get("message", "")
                if not any(pattern.search(reason) for pattern in allowed):
                    wrong.append(f"{case.get('classname')}::{case.get('name')}: {reason}")
    for line in wrong:
        print(f"skipped: {line}")
    print(f"{ran} tests, {len(wrong)} skipped for a reason that is not allowed")
    return 1 if wrong or not ran else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
