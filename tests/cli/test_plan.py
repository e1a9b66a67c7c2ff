"""``situs plan``: what it writes, what it says, and what it gives when it is not left to finish."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from situs.cli.plan import said_gap, shown_progress
from situs.facts import load as load_facts
from situs.intent import load
from situs.model.plan import Plan
from situs.planner.decide import decide
from situs.store.records import Records
from tests.cli.conftest import Call


class TestOut:
    def test_the_file_is_the_plan(self, call: Call, estate: Path, tmp_path: Path) -> None:
        out = tmp_path / "plan.json"
        done = call("plan", "-C", estate, "--out", out, "--json")
        plan = Plan.model_validate_json(out.read_bytes())
        assert plan.sealed().id == plan.id == done.json["id"]
        assert Records(estate).load(str(out)) == Records(estate).load("latest")

    def test_a_folder_or_a_place_under_a_file_is_an_error(
        self, call: Call, estate: Path, tmp_path: Path
    ) -> None:
        assert "name a file" in call("plan", "-C", estate, "--out", tmp_path).err
        under_a_file = call("plan", "-C", estate, "--out", estate / "estate.yaml" / "plan.json")
        assert under_a_file.code == 2
        assert "plan.json" in under_a_file.err
        assert Records(estate).latest() is None

    def test_folders_on_the_way_are_made(self, call: Call, estate: Path, tmp_path: Path) -> None:
        out = tmp_path / "new" / "folder" / "plan.json"
        assert call("plan", "-C", estate, "--out", out).code == 0
        assert Plan.model_validate_json(out.read_bytes()).id == Records(estate).latest()

    def test_it_can_be_compared_by_its_path(self, call: Call, estate: Path, tmp_path: Path) -> None:
        for name, more in (("a", []), ("b", ["--currency", "USD"])):
            call("plan", "-C", estate, "--no-record", "--out", tmp_path / f"{name}.json", *more)
        done = call("diff", tmp_path / "a.json", tmp_path / "b.json", "-C", estate)
        assert done.code == 1
        assert "EUR" in done.out
        assert "USD" in done.out


class TestRecord:
    def test_owner_and_reason_are_kept_and_each_plan_follows_the_last(self, call: Call, estate: Path) -> None:
        call("plan", "-C", estate, "--owner", "Ada", "--reason", "first")
        call("plan", "-C", estate, "--owner", "Ada", "--reason", "second")
        records = Records(estate)
        second = records.load("latest")
        assert second.parent is not None
        first = records.load(second.parent)
        assert (first.parent, first.owner, first.reason) == (None, "Ada", "first")
        assert (second.owner, second.reason) == ("Ada", "second")

    def test_until_when_it_may_be_relied_on_is_kept(self, call: Call, estate: Path) -> None:
        horizon = call("plan", "-C", estate, "--json").json
        assert horizon["expires"] > horizon["at"]
        told = call("plan", "-C", estate, "--expires", "2027-01-31", "--json").json
        assert told["expires"] == "2027-01-31T00:00:00Z"
        assert call("replay", told["id"], "-C", estate).code == 0
        assert call("records", "-C", estate, "--json").json[-1]["expires"].startswith("2027-01-31")
        early = call("plan", "-C", estate, "--expires", "2001-01-01")
        assert early.code == 2
        assert "is not after" in early.err

    def test_an_estate_in_one_file_has_its_records_beside_it(self, call: Call, tmp_path: Path) -> None:
        file = tmp_path / "estate.yaml"
        file.write_text("locations: {office: {country: DE}}\nsites: {here: {kind: edge, country: DE}}\n")
        made = call("plan", "-C", file, "--json")
        assert made.code == 0, made.err
        assert call("records", "-C", file, "--json").json[0]["id"] == made.json["id"]
        assert (tmp_path / ".situs" / "latest").exists()

    def test_without_a_record_nothing_is_written(self, call: Call, estate: Path) -> None:
        assert call("plan", "-C", estate, "--no-record").code == 0
        assert [path.name for path in estate.iterdir()] == ["estate.yaml"]

    def test_replay_says_what_differs_with_other_facts(
        self, call: Call, estate: Path, tmp_path: Path
    ) -> None:
        call("plan", "-C", estate)
        assert "byte for byte" in call("replay", "-C", estate).out
        sheet = call("facts", "show", "aws/us-east-1/g6.xlarge", "--json").json["price"]
        dearer = {**sheet, "per_hour": "99"}
        row = {key: value for key, value in dearer.items() if value not in (None, "")}
        prices = tmp_path / "prices.csv"
        prices.write_text(
            ",".join(row) + "\n" + ",".join(f'"{value}"' for value in row.values()) + "\n", encoding="utf-8"
        )
        done = call("replay", "-C", estate, "--facts", prices)
        assert done.code == 1, done.err
        assert "facts prices: it used " in done.out


class TestGap:
    """The distance to the best is told as something that people can act on."""

    def said(self, cost: str, objective: str, bound: str, language: str = "en") -> str:
        costs = {name: Decimal(value) for name, value in
                 (("cost", cost), ("objective", objective), ("bound", bound))}  # fmt: skip
        gap = float((costs["objective"] - costs["bound"]) / costs["cost"])
        return said_gap(Plan.model_construct(gap=gap, **costs), language)

    def test_of_the_cost_where_all_has_its_place(self) -> None:
        assert self.said("100", "100", "99") == "proven gap 1.0000%"
        assert self.said("100", "100", "99", "de") == "bewiesene Lücke 1.0000%"

    def test_of_all_that_was_minimised_where_something_is_left_out(self) -> None:
        # Ninety of the cost alone would be 100 %.
        assert self.said("90", "900", "810") == "proven gap 10.0000% of cost and of what is left out or waits"
        assert "ausgelassen" in self.said("90", "900", "810", "de")

    def test_not_at_all_where_it_says_nothing(self) -> None:
        assert self.said("90", "900", "100") == "the best may be far from this"
        assert self.said("100", "100", "40") == "the best may be far from this"


class TestNotFinished:
    """Whatever stops it, there is a plan, it says that it is the best so far, and all of it can be carried out."""

    def checked(self, plan: Plan, estate: Path) -> None:
        assert plan.status == "best-so-far"
        assert plan.sealed().id == plan.id
        intent = load(estate).intent
        assert intent.settings.at is not None
        best = decide(intent, load_facts(), intent.settings.at).plan
        assert {d.workload for d in plan.decisions if d.unplaced} == {
            d.workload for d in best.decisions if d.unplaced
        }
        # What is proven of it holds against the plan that was left to finish.
        assert plan.bound <= best.objective
        assert plan.cost >= best.bound
        assert plan.gap >= 0

    def test_a_time_limit_gives_the_best_so_far(self, call: Call, estate: Path) -> None:
        done = call("plan", "-C", estate, "--time-limit", "0", "--json")
        assert done.code == 0, done.err
        plan = Records(estate).load("latest")
        assert plan.id == done.json["id"]
        self.checked(plan, estate)
        assert "(best so far)" in call("plan", "-C", estate, "--time-limit", "0", "--no-record").out

    def test_ample_time_is_no_limit(self, call: Call, estate: Path) -> None:
        assert call("plan", "-C", estate, "--time-limit", "300", "--json").json["status"] != "best-so-far"

    def test_the_first_ctrl_c_asks_for_the_best_so_far(self, call: Call, estate: Path) -> None:
        """Pressed as soon as the command listens, long before the answer."""
        before = signal.getsignal(signal.SIGINT)
        pressed = press_ctrl_c_when(lambda: signal.getsignal(signal.SIGINT) is not before)
        done = call("plan", "-C", estate, "--json")
        pressed.join()
        assert signal.getsignal(signal.SIGINT) is before
        assert done.code == 0, done.err
        assert "best plan so far" in done.err
        self.checked(Records(estate).load("latest"), estate)

    def test_progress_is_a_line_with_cost_and_gap(self, estate: Path) -> None:
        """On a terminal, and in the language of the rest."""
        for language, words in (
            ("en", "deciding .*cost [\\d,]+  gap [\\d.]+%"),
            ("de", "entscheidet .*Lücke"),
        ):
            shown = on_a_terminal("--lang", language, "plan", "-C", str(estate), "--no-record")
            assert re.search(words, shown)
            assert "\n" + {"en": "Decisions", "de": "Entscheidungen"}[language] in shown

    def test_the_second_ctrl_c_gives_up(self) -> None:
        with pytest.raises(KeyboardInterrupt), shown_progress(quiet=True) as (_, cancelled):
            assert not cancelled()
            os.kill(os.getpid(), signal.SIGINT)
            assert cancelled()
            os.kill(os.getpid(), signal.SIGINT)
            pytest.fail("went on")

    def test_a_closed_pipe_is_no_crash(self) -> None:
        """``situs facts list prices | head -0``: whoever was to read has left."""
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            [sys.executable, "-m", "situs.cli", "facts", "list", "prices", "--json"],
            stdout=write, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        os.close(write)
        assert (done.returncode, done.stderr) == (1, "")


def on_a_terminal(*arguments: str) -> str:
    """What a person sees, without the colours and the movements of the cursor."""
    import pty

    seen = bytearray()

    def read(terminal: int) -> bytes:
        seen.extend(got := os.read(terminal, 4096))
        return got

    environment = {"COLUMNS": "200", "TERM": "xterm", "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
    command = ["env", *(f"{name}={value}" for name, value in environment.items())]
    pty.spawn([*command, sys.executable, "-m", "situs.cli", *arguments], read)
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode()).replace("\r", "\n")


def press_ctrl_c_when(ready: Callable[[], bool]) -> threading.Thread:
    """Once that is true, and never before: a signal that nobody waits for would end the tests."""

    def press() -> None:
        while not ready():
            continue
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press, daemon=True)
    thread.start()
    return thread


class TestPrecedence:
    """What is said on the command line beats the environment, which beats the estate, which beats the default."""

    def test_flags_beat_the_estates_settings(self, call: Call, estate: Path) -> None:
        plain = call("plan", "-C", estate, "--no-record", "--json").json
        assert plain["currency"] == "EUR"
        assert plain["at"].startswith("2026-11-23T08:00")
        said = call(
            "plan",
            "-C",
            estate,
            "--no-record",
            "--json",
            "--currency",
            "usd",
            "--at",
            "2026-12-01T10:00+01:00",
        ).json
        assert said["currency"] == "USD"
        assert said["at"].startswith("2026-12-01T09:00")
        rate = Decimal(said["costs"]["storage"]) / Decimal(plain["costs"]["storage"])
        assert Decimal("1.0") < rate < Decimal("1.5")

    def test_the_folder_of_the_flag_beats_the_one_of_the_environment_beats_this_one(
        self, call: Call, estate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        assert call("validate").code == 2
        monkeypatch.setenv("SITUS_ESTATE", str(estate))
        assert call("validate").code == 0
        assert call("validate", "-C", tmp_path / "here").code == 2
        monkeypatch.chdir(estate)
        monkeypatch.setenv("SITUS_ESTATE", str(tmp_path / "here"))
        assert call("validate").code == 2
        monkeypatch.delenv("SITUS_ESTATE")
        assert call("validate").code == 0

    def test_the_language_of_the_flag_beats_the_environment_beats_the_locale(
        self, call: Call, estate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plan = ("plan", "-C", estate, "--no-record")
        english, german = "proven gap", "bewiesene Lücke"
        assert english in call(*plan).out
        monkeypatch.setenv("LANG", "de_DE.UTF-8")
        assert german in call(*plan).out
        monkeypatch.setenv("SITUS_LANG", "en")
        assert english in call(*plan).out
        assert german in call("--lang", "de", *plan).out
        monkeypatch.setenv("SITUS_LANG", "de")
        assert english in call("--lang", "en", *plan).out

    def test_an_unknown_language_is_an_error(self, call: Call) -> None:
        done = call("--lang", "fr", "facts", "list")
        assert done.code == 2
        assert "'fr'" in done.err


def test_german_reports_and_plans_are_german(call: Call, estate: Path) -> None:
    done = call("--lang", "de", "plan", "-C", estate, "--no-record")
    assert "Arbeitslast" in done.out
    assert "EUR/Monat" in done.out
    assert "workload" not in done.out
    assert call("--lang", "de", "report", "-C", estate, "-o", "v.html").code == 0
    assert '<html lang="de">' in Path("v.html").read_text(encoding="utf-8")


def test_the_order_of_files_does_not_matter(call: Call, estate: Path) -> None:
    """The same estate split into files by kind gives the same plan."""
    import yaml

    whole = call("plan", "-C", estate, "--no-record", "--json").json
    content = yaml.safe_load((estate / "estate.yaml").read_text())
    (estate / "estate.yaml").unlink()
    for number, (key, value) in enumerate(reversed(content.items())):
        (estate / f"{number}-{key}.yaml").write_text(json.dumps({key: value}, default=str))
    assert call("plan", "-C", estate, "--no-record", "--json").json["id"] == whole["id"]


SMALL = """\
settings: {at: 2026-11-23T08:00Z, cooldown: 0h}
sites:
  dc:
    kind: on_prem
    country: DE
    clearance: 4
    pools:
      here: {node: {cpu: 8, memory: 32GiB}, count: 1, price: {basis: owned, price: 0 EUR}}
      bought: {node: {cpu: 16, memory: 32GiB}, limit: 1, price: {basis: owned, price: 6000 EUR}}
      comes:
        node: {cpu: 32, memory: 32GiB}
        count: 1
        available_from: 2026-12-01T08:00Z
        price: {basis: owned, price: 0 EUR}
links: [{from: "*", to: "*", latency: 1ms}]
"""


def _service(name: str, cpu: int) -> str:
    asked = "stage: serve, label: {level: 1}, service: {requests_per_s: 1}"
    return f"  {name}: {{{asked}, shapes: [{{cpu: {cpu}}}]}}\n"


def test_each_workload_is_told_when_it_fits(call: Call, tmp_path: Path) -> None:
    """Now on the node that is there, after scale-up on one to be bought, later on one that comes, or never."""
    folder = tmp_path / "small"
    folder.mkdir()
    work = "workloads:\n" + "".join(
        _service(name, cpu) for name, cpu in (("first", 8), ("second", 16), ("third", 32), ("fourth", 64))
    )
    (folder / "estate.yaml").write_text(SMALL + work)
    done = call("plan", "-C", folder, "--no-record")
    # Rows of the table; sentences about what is left out are indented further.
    rows = [line for line in done.out.splitlines() if line[:2].strip()]
    lines = {line.split()[0]: line for line in rows}
    assert " now " in lines["first"]
    assert " scale-up " in lines["second"]
    assert " 2026-12-01 08:00Z " in lines["third"]
    assert " never " in lines["fourth"]
    german = call("--lang", "de", "plan", "-C", folder, "--no-record").out
    assert all(word in german for word in (" jetzt ", " Ausbau ", " nie "))


def test_a_first_estate_without_work_has_a_plan(call: Call, tmp_path: Path) -> None:
    assert call("init", tmp_path / "mine", "--country", "DE").code == 0
    done = call("plan", "-C", tmp_path / "mine")
    assert done.code == 0, done.err
    assert "no workload yet" in done.out
    assert "optimal" in done.out
    assert call("report", "-C", tmp_path / "mine", "-o", "board.html").code == 0
    assert call("replay", "-C", tmp_path / "mine").code == 0
