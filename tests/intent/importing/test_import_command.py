"""``situs import``: where it writes, what it says, and that it never writes over anything unasked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TASK = "name: train\nresources: {accelerators: L4, image_id: x}\nrun: python train.py\n"
POD = (
    "kind: Pod\nmetadata: {name: web}\nspec: {containers: [{image: web, resources: {requests: {cpu: 1}}}]}\n"
)
TABLE = "name,cpu,hobby\nbilling,2,chess\n"
TRACE = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"
    "made,1000,1024,0,0,,LS,Running,0,3600,0\n"
)
SOURCES = {"skypilot": TASK, "kubernetes": POD, "csv": TABLE, "openb": TRACE}


def situs(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from situs.cli.main import run; run()", *arguments],
        capture_output=True,
        text=True,
        input=stdin,
        env={**os.environ, "SITUS_LANG": "en"},
        check=False,
    )


@pytest.mark.parametrize("kind", SOURCES)
def test_what_is_imported_is_valid_and_what_is_lost_is_told(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text(SOURCES[kind])
    done = situs("import", kind, str(source))
    assert done.returncode == 0, done.stderr
    estate = tmp_path / "estate"
    estate.mkdir()
    (estate / "imported.yaml").write_text(done.stdout)
    valid = situs("validate", "-C", str(estate))
    assert valid.returncode == 0, valid.stderr
    assert "1 workload, " in valid.stdout
    assert "not carried over (" in done.stderr
    assert "source:" in done.stderr


def test_json_has_the_text_and_every_remark(tmp_path: Path) -> None:
    (tmp_path / "task.yaml").write_text(TASK)
    answer = json.loads(situs("import", "skypilot", "--json", str(tmp_path / "task.yaml")).stdout)
    assert answer["counts"]["workloads"] == 1
    assert "train:" in answer["yaml"]
    (image,) = [remark for remark in answer["unmapped"] if remark["what"].startswith("image_id")]
    assert (image["line"], image["column"], image["times"]) == (2, 31, 1)
    assert {remark["what"] for remark in answer["assumed"]} >= {"stage", "length of a run"}


def test_a_file_is_never_written_over_without_force(tmp_path: Path) -> None:
    target = tmp_path / "estate.yaml"
    target.write_text("precious\n")
    refused = situs("import", "csv", "-", "--out", str(target), stdin=TABLE)
    assert refused.returncode == 2
    assert "give --force" in refused.stderr
    assert target.read_text() == "precious\n"
    done = situs("import", "csv", "-", "--out", str(target), "--force", stdin=TABLE)
    assert done.returncode == 0
    assert "billing" in target.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["estate.yaml"]


def test_nothing_is_written_where_the_source_is_wrong(tmp_path: Path) -> None:
    target = tmp_path / "estate.yaml"
    done = situs("import", "csv", "-", "-o", str(target), stdin="name,cpu\na,four\n")
    assert done.returncode == 2
    assert "<stdin>:2:1: cpu: 'four' is not a number" in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("skypilot", "gone.yaml"), "the file cannot be read"),
        (("csv",), "give the table to read"),
        (("csv", "-", "-o", "no/such/folder/x.yaml"), "there is no folder no/such/folder"),
        (("csv", "-", "-o", "/tmp"), "/tmp is a folder"),
        (("csv", "-", "--currency", "euro"), "'euro' is not a currency code"),
        (("kubernetes", "/dev/zero"), "this is not a regular file"),
        (("openb", "-", "--at", "soon"), "'soon' is not an instant"),
    ],
)
def test_mistakes_on_the_command_line(arguments: tuple[str, ...], what: str) -> None:
    done = situs("import", *arguments, stdin=TABLE)
    assert done.returncode == 2
    assert what in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_the_columns_are_shown() -> None:
    columns = json.loads(situs("import", "csv", "--columns", "--json").stdout)
    assert "dienst" in columns["name"]["also"]
    assert "requests_per_s" in situs("import", "csv", "--columns").stdout
