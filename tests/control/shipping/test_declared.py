"""Code that an estate names: sent with the plan, and another thing to run once it changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from situs.control.orders import files_of
from situs.model.error import InputError
from tests.control.plane import Plane, estate, until
from tests.store.databases import migrated

WORK = {"job": {"run": {"command": ["python", "main.py"], "code": "code"}}}


@pytest.fixture
def plane(tmp_path: Path) -> Plane:
    return Plane(migrated(tmp_path / "control.db"), tmp_path, estate(WORK))


def said(plane: Plane, generation: int) -> str:
    run = plane.runs("job")[generation - 1]
    return (
        plane.site(run.site)
        .logs(next(k for k in plane.site("a").known() if k.generation == generation))[0]
        .decode()
    )


def test_the_code_of_a_workload_runs_and_runs_again_when_it_changed(plane: Plane, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    main = tmp_path / "code" / "main.py"
    main.write_text("print('one')")
    with plane.leading():
        plane.apply({"job": [("a", "box", 1)]}, files_of(plane.intent, tmp_path))
        until(lambda: plane.outcome("job") == "succeeded", "it ran")
        assert said(plane, 1) == "one\n"
        main.write_text("print('two')")
        plane.apply({"job": [("a", "box", 1)]}, files_of(plane.intent, tmp_path), reason="changed")
        until(lambda: len(plane.runs("job")) == 2 and plane.outcome("job") == "succeeded", "it ran again")
        assert said(plane, 2) == "two\n"


def test_code_that_is_not_there_is_named(plane: Plane, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="job needs the code 'code'"):
        files_of(plane.intent, tmp_path)
