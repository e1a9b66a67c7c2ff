"""``situs --version`` and ``--help`` answer at once: nothing heavy is loaded before it is needed.

No clock is read here, because that would test the machine: what makes a start slow is what it loads.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from situs.cli.main import AT_ONCE, app, application

HEAVY = ("numpy", "scipy", "highspy", "pydantic", "cedarpy", "jinja2", "sklearn")


def test_commands_load_nothing_heavy_before_they_run() -> None:
    program = f"import sys, situs.cli.main; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", sorted(AT_ONCE))
def test_what_is_loaded_for_one_command_has_it_as_all_do(command: str) -> None:
    alone, among = application((AT_ONCE[command],)), app
    found = [
        {each.name: each.callback for each in made.registered_commands}[command] for made in (alone, among)
    ]
    assert found[0] is found[1] is not None


def test_a_run_that_is_handed_to_a_control_plane_loads_nothing_heavy() -> None:
    program = (
        "import sys, situs.cli.run, situs.cli.counter, situs.control.asked, situs.control.shipping\n"
        f"print([name for name in {(*HEAVY, 'sqlalchemy', 'alembic', 'asyncssh', 'numba')!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "module",
    [
        "situs.control.here",
        "situs.control.views",
        "situs.control.room_taken",
        "situs.client.local",
        "situs.client.remote",
    ],
)
def test_looking_at_what_runs_loads_no_planner(module: str) -> None:
    program = f"import sys, {module}; print([n for n in ('numba', 'highspy', 'scipy') if n in sys.modules])"
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
