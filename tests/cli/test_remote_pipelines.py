"""``situs pipeline`` against a server: as on the spot, with its files, and with nothing half handed in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.cli.served import Served
from tests.cli.test_remote import home, plane, same, served
from tests.control.pipelines.written import stage, three, write
from tests.control.plane import Plane

__all__ = ["home", "plane", "served"]


@pytest.mark.slow
def test_it_runs_and_is_shown_as_on_the_spot(
    plane: Plane, home: Path, served: Served, call: Call, tmp_path: Path
) -> None:
    check = stage("print(open('code/main.py').read())", ("model",), run={"files": ["code/main.py"]})
    file = write(tmp_path / "churn", three(check=check))
    (file.parent / "code").mkdir()
    (file.parent / "code" / "main.py").write_text("sent")
    with plane.leading():
        same(
            call("pipeline", "run", file, "--name", "one", "--dry-run", "--json", "-C", home),
            call("pipeline", "run", file, "--name", "one", "--dry-run", "--json"),
        )
        done = call("pipeline", "run", file, "--name", "one")
        assert done.code == 0, done.err
        assert "one is done" in done.err
        assert call("logs", "one.check").out == "sent\n"
    for words in (["show", "one"], ["ls"], ["show", "none"], ["retry", "one"]):
        for more in ([], ["--json"]):
            same(call("pipeline", *words, *more, "-C", home), call("pipeline", *words, *more))
    again = call("pipeline", "run", file, "--name", "one", "--detach")
    assert again.code == 2
    assert "already" in again.err
    assert call("pipeline", "rm", "one", "--json").json == {"name": "one", "changed": True}
    assert call("pipeline", "stop", "one", "--json").json == {"name": "one", "changed": False}


@pytest.mark.slow
def test_what_cannot_be_is_said_as_on_the_spot(
    plane: Plane, home: Path, served: Served, call: Call, tmp_path: Path
) -> None:
    large = stage("pass", ("model",), shapes=[{"cpu": 1000, "memory": "0GiB"}])
    file = write(tmp_path / "large", three(check=large))
    same(
        call("pipeline", "run", file, "--name", "x", "--dry-run", "-C", home),
        call("pipeline", "run", file, "--name", "x"),
    )
    refused = call("pipeline", "run", file, "--name", "x", "--json")
    assert refused.code == 1
    assert set(refused.json["stages"][-1]["refused"]) == {"a", "b", "c"}
    missing = write(tmp_path / "missing", three(check=stage("pass", run={"files": ["../secret"]})))
    done = call("pipeline", "run", missing, "--name", "x")
    assert done.code == 2
    assert "'../secret'" in done.err
    assert call("pipeline", "run", tmp_path / "large").code == 2
    assert call("pipeline", "ls", "--json").json == []
