"""``situs --version`` and ``--help`` answer at once: nothing heavy is loaded before it is needed.

No clock is read here, because that would test the machine: what makes a start slow is what it loads.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numpy", "scipy", "highspy", "pydantic", "cedarpy", "jinja2", "sklearn")


def test_commands_load_nothing_heavy_before_they_run() -> None:
    program = f"import sys, situs.cli.main; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_situs_loads_nothing_heavy() -> None:
    program = (
        f"import sys, situs; print([name for name in {HEAVY!r} if name in sys.modules], situs.__version__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[] ")


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_an_answer_loads_nothing_heavy(option: str) -> None:
    program = (
        "import sys\nfrom situs.cli.main import run\ntry: run()\n"
        f"except SystemExit: print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, option], capture_output=True, text=True, check=True)
    assert done.stdout.strip()
    assert done.stderr.strip() == "[]"
