"""How a script tells a sweep how it does; where no sweep asks, nothing is written.

It is a line in a file, so that any program can do the same without situs: ``echo "$step $loss" >>"$SITUS_REPORT"``.
"""

from __future__ import annotations

import os
from pathlib import Path

# As it is when the first report is made: the script may go to another folder later.
_FILE = Path(os.environ["SITUS_REPORT"]).absolute() if os.environ.get("SITUS_REPORT") else None


def report_value(step: int, value: float) -> None:
    """Report the value at a step, such as the loss after an epoch; steps are counted upwards. Raises ValueError.

    When others do better the script is asked to end (SIGTERM) some seconds later.
    """
    if step < 0:
        raise ValueError(f"steps are counted upwards from 0, not {step}")
    if _FILE is not None:
        # One write of a whole line: who reads meanwhile sees it all or not at all.
        with _FILE.open("ab", buffering=0) as file:
            file.write(f"{int(step)} {float(value)!r}\n".encode())
