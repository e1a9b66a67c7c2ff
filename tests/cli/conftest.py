"""The command line as it is, with its messages and exit codes, without the cost of a process for each call."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pytest

from situs.cli.main import run
from situs.cli.output import console, error_console


@dataclass(frozen=True)
class Done:
    """What came of a call."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON, strictly: NaN and infinity are none."""
        return json.loads(self.out, parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


Call = Callable[..., Done]


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    """A copy of the demonstration's estate, alone in a folder."""
    folder = tmp_path / "estate"
    folder.mkdir()
    with as_file(files("situs.demo")) as package:
        shutil.copy(package / "estate.yaml", folder)
    return folder


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Call ``situs`` in an empty folder, on a wide terminal, in English unless something says otherwise."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    for name in ("SITUS_LANG", "SITUS_ESTATE", "SITUS_SERVER", "SITUS_TOKEN", "LC_ALL", "LANG"):
        monkeypatch.delenv(name, raising=False)
    # Nor does it count where whoever runs the tests has logged in.
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    for wide in (console, error_console):
        # Whoever runs the tests may have set a width for all consoles when they were made.
        monkeypatch.setattr(wide, "width", 220)
    monkeypatch.setenv("NO_COLOR", "1")

    def called(*arguments: str | Path) -> Done:
        before = dict(os.environ)
        monkeypatch.setattr(sys, "argv", ["situs", *map(str, arguments)])
        capsys.readouterr()
        try:
            run()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        finally:
            os.environ.clear()
            os.environ.update(before)
        return Done(code, *capsys.readouterr())

    return called
