"""Errors of the user: exit code 2, one sentence that names the value, says where, and what would be right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Call

WRONG: dict[str, tuple[list[str], str]] = {
    "no estate": (["plan", "-C", "/no/such/folder"], "/no/such/folder"),
    "instant": (["plan", "-C", "{estate}", "--at", "tomorrow"], "'tomorrow'"),
    "currency": (["plan", "-C", "{estate}", "--currency", "EURO"], "'EURO'"),
    "unknown currency": (["plan", "-C", "{estate}", "--currency", "XTS"], "XTS"),
    "gap": (["plan", "-C", "{estate}", "--gap", "-1"], "--gap"),
    "facts": (["plan", "-C", "{estate}", "--facts", "/no/such.csv"], "/no/such.csv"),
    "parent": (["plan", "-C", "{estate}", "--parent", "deadbeef"], "'deadbeef'"),
    "workload": (["explain", "shop-trian", "-C", "{estate}"], "shop-train"),
    "site": (["explain", "shop-train", "--why-not", "clinic-d", "-C", "{estate}"], "clinic-dc"),
    "site down": (["whatif", "--site-down", "clinic-d", "-C", "{estate}"], "clinic-dc"),
    "price": (["whatif", "--price", "aws", "-C", "{estate}"], "NAME=VALUE"),
    "factor": (["whatif", "--price", "aws=dear", "-C", "{estate}"], "+30%"),
    "bare factor": (["whatif", "--price", "aws=30", "-C", "{estate}"], "+30%"),
    "endless factor": (["whatif", "--price", "aws=+1e400%", "-C", "{estate}"], "between 0 and"),
    "no factor": (["whatif", "--demand", "shop-train=nanx", "-C", "{estate}"], "between 0 and"),
    "price of nobody": (["whatif", "--price", "awz=+30%", "-C", "{estate}"], "aws"),
    "demand": (["whatif", "--demand", "shop-trian=2x", "-C", "{estate}"], "shop-train"),
    "unknown law": (["whatif", "--law", "clearence=off", "-C", "{estate}"], "clearance"),
    "law": (["whatif", "--law", "clearance=on", "-C", "{estate}"], "off"),
    "electricity": (["whatif", "--kwh", "cheap", "-C", "{estate}"], "cheap"),
    "nothing": (["whatif", "-C", "{estate}"], "give a price"),
    "axes": (["pareto", "--axes", "cost,beauty", "-C", "{estate}"], "beauty"),
    "one axis": (["pareto", "--axes", "cost", "-C", "{estate}"], "two"),
    "budget": (["usecases", "--budget", "2", "-C", "{estate}"], "--budget"),
    "no plan": (["replay", "-C", "{estate}"], "situs plan"),
    "unknown plan": (["diff", "aaaaaa", "bbbbbb", "-C", "{estate}"], "aaaaaa"),
    "rule": (["plan", "-C", "{estate}", "--off", "clearence"], "clearance"),
    "report to a folder": (["report", "-C", "{estate}", "-o", "{estate}"], "name a file"),
    "demo to a file": (["demo", "--out", "{estate}/estate.yaml"], "estate.yaml"),
    "fact": (["facts", "show", "Atlantis"], "Atlantis"),
    "catalogue": (["facts", "list", "priecs"], "prices"),
    "break-even": (["breakeven"], "--price"),
    "country": (["init", "new", "--country", "Germany"], "Germany"),
}


@pytest.mark.parametrize("name", WRONG)
def test_it_is_said_what_is_wrong_and_what_would_be_right(call: Call, estate: Path, name: str) -> None:
    arguments, said = WRONG[name]
    done = call(*(argument.format(estate=estate) for argument in arguments))
    assert done.code == 2, done.out + done.err
    assert said in " ".join(done.err.split())
    assert done.out == ""
    assert "Traceback" not in done.err


def test_a_damaged_record_is_an_error_with_its_path(call: Call, estate: Path) -> None:
    call("plan", "-C", estate)
    (path,) = (estate / ".situs" / "plans").glob("*.json")
    path.write_bytes(path.read_bytes()[:-100])
    for arguments in (["records"], ["replay"], ["diff", "latest", "latest"]):
        done = call(*arguments, "-C", estate)
        assert done.code == 2
        assert path.name in done.err
        assert "Traceback" not in done.err


def test_all_errors_of_an_estate_come_at_once(call: Call, estate: Path) -> None:
    path = estate / "estate.yaml"
    text = path.read_text()
    for right, wrong in (
        ("stage: serve", "stage: serf"),
        ("kind: edge", "kind: egde"),
        ("0.29 EUR/kWh", "dear"),
    ):
        assert right in text
        text = text.replace(right, wrong)
    path.write_text(text)
    done = call("validate", "-C", estate)
    assert done.code == 2
    for wrong in ("serf", "egde", "dear"):
        (line,) = [line for line in done.err.splitlines() if f"'{wrong}'" in line or f" {wrong}" in line]
        number = next(k for k, row in enumerate(text.splitlines(), 1) if wrong in row)
        assert f"estate.yaml:{number}:" in line
    assert "did you mean" in done.err.lower()


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--version"], 0), (["plan", "-C", "/no/such"], 2), (["nonsense"], 2)]
)
def test_the_exit_code_reaches_the_shell(arguments: list[str], code: int) -> None:
    done = subprocess.run([sys.executable, "-m", "situs.cli", *arguments], capture_output=True, check=False)
    assert done.returncode == code
