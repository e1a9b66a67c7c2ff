"""``situs data``: what is where and what is missing, and bringing data to where the rules let them be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from situs.store import events
from situs.store.database import Database
from tests.cli.conftest import Call
from tests.cli.test_run import Person
from tests.cli.test_run import person as person
from tests.control.plane import PATIENCE_S

ESTATE = """
sites:
  office:
    kind: on_prem
    country: DE
    clearance: 3
    encryption: {at_rest: true, in_transit: true}
    pools: {server: {node: {cpu: 2, memory: 4GiB}, count: 1, price: {basis: owned, price: 0 EUR}}}
  archive: {kind: on_prem, country: DE, clearance: 4, encryption: {at_rest: true, in_transit: true}}
  hoster: {kind: public, country: FR, clearance: 1}
datasets:
  patients: {size_gb: 0.1, label: {level: 3}, replicas: [office]}
  twice: {size_gb: 0.1, label: {level: 1}, replicas: [office, archive]}
  places: {size_gb: 0.1, label: {level: 0}}
"""
READ = "import os; print(open(os.environ['SITUS_INPUT_PATIENTS']).read())"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "estate.yaml").write_text(ESTATE)
    (folder / "visits.csv").write_text("1,2\n")
    return folder


def rows(call: Call, home: Path) -> dict[tuple[str, str | None], dict[str, object]]:
    done = call("data", "ls", "-C", home, "--json")
    assert done.code == 0, done.err
    return {(row["dataset"], row["site"]): row for row in done.json}


def test_they_are_put_where_the_estate_says_listed_got_and_removed(call: Call, home: Path) -> None:
    before = rows(call, home)
    assert set(before) == {
        ("patients", "office"), ("places", None), ("twice", "archive"), ("twice", "office"),
    }  # fmt: skip
    assert not any(row["present"] for row in before.values())
    shown = call("data", "ls", "-C", home)
    assert "`situs data put patients PATH --site office`" in shown.out
    done = call("data", "put", "patients", home / "visits.csv", "-C", home, "--json", "--by", "ann")
    digest = sha256(b"1,2\n").hexdigest()
    (put,) = done.json["put"]
    assert (put["site"], put["sha256"], put["files"], put["bytes"]) == ("office", digest, 1, 4)
    assert (put["changed"], put["before"]) == (True, None)
    again = call("data", "put", "patients", home / "visits.csv", "-C", home)
    assert again.out == f"patients was at office already: 4 B, 1 file, SHA-256 {digest}\n"
    row = rows(call, home)["patients", "office"]
    assert (row["present"], row["sha256"], row["bytes"], row["level"]) == (True, digest, 4, 3)
    assert digest[:12] in call("data", "ls", "-C", home).out
    both = call("data", "put", "twice", home, "-C", home, "--json").json["put"]
    assert [each["site"] for each in both] == ["archive", "office"]
    assert both[0]["sha256"] == both[1]["sha256"]
    got = call("data", "get", "patients", "copy.csv", "-C", home, "--json")
    assert got.json["sha256"] == digest
    assert Path("copy.csv").read_text() == "1,2\n"
    assert "is there already" in call("data", "get", "patients", "copy.csv", "-C", home).err
    removed = call("data", "rm", "patients", "--site", "office", "--yes", "-C", home, "--json", "--by", "bob")
    assert removed.json == {"changed": True}
    assert call("data", "rm", "patients", "--site", "office", "-C", home, "--json").json == {"changed": False}
    assert not rows(call, home)["patients", "office"]["present"]
    with Database(str(home / ".situs" / "control.db")).read() as connection:
        told = [(event.by, event.text) for event in events.newest(connection, 99) if "patients" in event.text]
    assert told[0] == ("bob", "patients is removed from office")
    assert told[-1] == ("ann", f"patients is brought to office: 1 files, 4 bytes, sha256:{digest}")


def test_the_rules_refuse_before_anything_is_copied(call: Call, home: Path) -> None:
    done = call("data", "put", "patients", home / "visits.csv", "--site", "hoster", "-C", home)
    assert (done.code, done.out) == (1, "")
    assert "hoster is approved for level 1, the label has level 3 (clearance)" in done.err
    assert "it may be at archive, office: `situs data put patients PATH --site archive`" in done.err
    both = ("--site", "office", "--site", "hoster")
    done = call("data", "put", "patients", home / "visits.csv", *both, "-C", home, "--json")
    assert done.code == 1
    assert "clearance" in done.json["rules"]
    assert done.json["may_be_at"] == ["archive", "office"]
    assert not list((home / ".situs").glob("sites/*/data/patients")), "none of the sites has them"


def test_a_dry_run_changes_nothing_and_a_strange_site_is_told_of(call: Call, home: Path) -> None:
    done = call("data", "put", "patients", home / "visits.csv", "--dry-run", "-C", home)
    assert done.out == "patients would go to office: 4 B, 1 file; nothing was copied\n"
    assert not (home / ".situs" / "sites").exists()
    done = call("data", "put", "patients", home / "visits.csv", "--site", "archive", "-C", home)
    assert done.code == 0
    assert "the estate does not say that patients is at archive" in done.err
    assert "the estate does not say so" in call("data", "ls", "-C", home).out


WRONG = {
    "name": (["put", "patient", "visits.csv"], "no data 'patient'; it has patients, places, twice"),
    "path": (["put", "patients", "nothing.csv"], "nothing.csv cannot be read"),
    "site": (["put", "patients", "visits.csv", "--site", "offise"], "no site 'offise'"),
    "where": (["put", "places", "visits.csv"], "give --site"),
    "get": (["get", "patient", "x"], "no data 'patient'"),
    "folder": (["get", "patients", "nowhere/x"], "there is no folder nowhere"),
    "rm": (["rm", "patients", "--site", "offise"], "no site 'offise'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_with_what_would_be_right(call: Call, home: Path, name: str) -> None:
    words, said = WRONG[name]
    Path("visits.csv").touch()
    done = call("data", *words, "-C", home)
    assert done.code == 2
    assert said in done.err


def test_nobody_who_could_be_asked_means_that_nothing_is_removed(call: Call, home: Path) -> None:
    call("data", "put", "patients", home / "visits.csv", "-C", home)
    asked = subprocess.run(
        [sys.executable, "-m", "situs.cli", "data", "rm", "patients", "--site", "office", "-C", str(home)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert asked.returncode == 2
    assert "it is the only copy that is here" in asked.stderr
    assert "--yes" in asked.stderr
    assert rows(call, home)["patients", "office"]["present"]


def test_it_speaks_german(call: Call, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITUS_LANG", "de")
    done = call("data", "put", "patients", home / "visits.csv", "-C", home)
    assert done.out.startswith("patients liegt in office: 4 B, 1 Datei, SHA-256")
    assert "Stufe" in call("data", "ls", "-C", home).out


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("situs data put -C {home} p", ["patients", "places"]),
        ("situs data rm patients -C {home} --site ", ["archive", "hoster", "office"]),
        ("situs run -C {home} --data t", ["twice@latest"]),
        ("situs data put -C /no/such/folder p", []),
    ],
)
def test_shells_complete_names(home: Path, words: str, found: list[str]) -> None:
    text = words.format(home=home)
    asked = {
        "_SITUS_COMPLETE": "complete_bash",
        "COMP_WORDS": text,
        "COMP_CWORD": str(len(text.split(" ")) - 1),
    }
    done = subprocess.run(
        [Path(sys.executable).with_name("situs")], env=os.environ | asked, capture_output=True, text=True,
        timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.stdout.split() == found
    assert done.stderr == ""


def test_the_doctor_tells_what_is_declared_and_absent(call: Call, home: Path) -> None:
    found = {
        (f["subject"], f["level"]): f["next_step"]
        for f in call("doctor", "-C", home, "--json").json["findings"]
        if f["check"] == "data-missing"
    }
    assert "`situs data put patients PATH --site office`" in found["patients", "hint"]
    call("data", "put", "patients", home / "visits.csv", "-C", home)
    told = call("doctor", "-C", home, "--json").json["findings"]
    assert not [f for f in told if f["check"] == "data-missing" and f["subject"] == "patients"]


@pytest.mark.slow
def test_a_run_waits_for_them_in_plain_sight_and_goes_on(person: Person) -> None:
    (person.folder / "estate.yaml").write_text(ESTATE)
    person.write(train=READ)
    (person.folder / "visits.csv").write_text("1,2")
    code, out, err = person.type("run", "train.py", "--data", "patients", "--dry-run", "--name", "study")
    assert code == 0, err
    assert "patients has no data at office: `situs data put patients PATH --site office`; study waits" in err
    code, out, err = person.type("run", "train.py", "--data", "patients", "--dry-run", "--json")
    assert json.loads(out)["missing"] == [{"dataset": "patients", "site": "office"}]
    run = person.begin("run", "train.py", "--data", "patients", "--name", "study")
    assert run.stderr is not None
    while "does not run yet" not in (line := run.stderr.readline()):
        assert line, "it ended without a word"
    assert "patients has no data at office" in line
    code, out, err = person.type("status", "study")
    assert "patients has no data at office" in " ".join(out.split())
    assert person.type("data", "put", "patients", "visits.csv")[0] == 0
    out, err = run.communicate(timeout=PATIENCE_S)
    assert (run.returncode, out) == (0, "1,2\n"), err
    code, out, err = person.type("history", "study", "--json")
    digest = sha256(b"1,2").hexdigest()
    assert f"reads patients of office, sha256:{digest}" in [
        event["text"] for event in json.loads(out)["events"]
    ]
