"""The unit that ``situs up --write-unit`` prints, as systemd itself reads it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from situs.cli.unit import unit, word
from tests.cli.conftest import Call
from tests.cli.test_control import ESTATE

AWAY = "sites: {far: {kind: edge, country: DE, adapter: {kind: ssh, options: {host: far}}}}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "an estate 100%"
    folder.mkdir()
    (folder / "estate.yaml").write_text(ESTATE)
    return folder


def verified(text: str, folder: Path) -> str:
    """What systemd says about a unit that it may not like."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("needs the Debian package systemd")
    file = folder / "situs.service"
    file.write_text(text)
    done = subprocess.run([program, "verify", "--man=no", str(file)], capture_output=True, text=True)
    # It loads other units of the machine too; what it says of those is not ours.
    said = "\n".join(line for line in (done.stdout + done.stderr).splitlines() if "situs" in line)
    return said + ("" if done.returncode == 0 or not said else f" (exit code {done.returncode})")


@pytest.mark.parametrize("runs_here", [True, False])
def test_systemd_takes_it(call: Call, home: Path, tmp_path: Path, runs_here: bool) -> None:
    if not runs_here:
        (home / "estate.yaml").write_text(AWAY)
    done = call("up", "-C", home, "--metrics", "127.0.0.1:9464", "--no-replan", "--write-unit")
    assert done.code == 0, done.err
    assert verified(done.out, tmp_path) == ""
    assert f"KillMode={'process' if runs_here else 'mixed'}" in done.out
    command = re.search("^ExecStart=(.*)$", done.out, re.MULTILINE)
    assert command is not None
    words = shlex.split(command[1].replace("%%", "%"))
    assert words[3:] == ["up", "-C", str(home), "--no-replan", "--metrics", "127.0.0.1:9464"]
    assert not (home / ".situs").exists(), "nothing was begun"


def test_a_unit_that_is_wrong_would_be_found_out(tmp_path: Path) -> None:
    text = unit(["/bin/true"], tmp_path, "root", runs_here=True).replace(
        "UMask=0077", "UMask=rwx\nNoSuchThing=1"
    )
    assert "NoSuchThing" in verified(text, tmp_path)


def test_no_password_stands_in_it(call: Call, home: Path) -> None:
    done = call("up", "-C", home, "--db", "postgresql://ann:hunter2@db.example/situs", "--write-unit")
    assert done.code == 2
    assert "EnvironmentFile" in done.err
    assert "hunter2" not in done.out + done.err


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a", "a"),
        ("a b", '"a b"'),
        ("100%", "100%%"),
        ("$HOME", "$$HOME"),
        ('say "x"\\', '"say \\"x\\"\\\\"'),
        ("", '""'),
    ],
)
def test_words_are_written_as_systemd_reads_them(text: str, written: str) -> None:
    assert word(text) == written
