"""``situs explain`` as a person and as a program meet it: two languages, JSON, and wrong names."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from situs.cli.main import run
from situs.planner.explain import Explanation, WhyNot

ESTATE = """
settings: {at: 2026-11-23T08:00Z}
sites:
  cellar:
    kind: on_prem
    country: DE
    clearance: 3
    encryption: {at_rest: true, in_transit: true}
    electricity: {price: 0.30 EUR/kWh}
    pools:
      rack:
        node: {cpu: 8, memory: 32GiB}
        count: 1
        limit: 1
        price: {basis: owned, price: 3000 EUR, life: 60 months, idle: 50W, busy: 200W}
  cloud:
    kind: public
    operator: cloud
    country: DE
    operator_country: DE
    parent_country: DE
    clearance: 1
    encryption: {at_rest: true, in_transit: true}
    pools:
      general: {node: {cpu: 8, memory: 32GiB}, price: {basis: on_demand, price: 0.40 EUR/h}}
links:
  - {from: "*", to: "*", latency: 10ms, bandwidth: 1Gbit/s}
workloads:
  billing:
    stage: batch
    label: {level: 2}
    shapes: [{cpu: 4, memory: 8GiB}]
    job: {work: 2h, per_month: 30}
  newsletter:
    stage: batch
    label: {level: 0}
    shapes: [{cpu: 4, memory: 8GiB}]
    job: {work: 1h, per_month: 30}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "estate.yaml").write_text(ESTATE, encoding="utf-8")
    return tmp_path


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


Command = Callable[..., Done]


@pytest.fixture
def situs(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The whole command, messages and exit codes included, on a terminal wide enough for whole sentences."""
    monkeypatch.setenv("COLUMNS", "200")

    def ran(*arguments: str, language: str = "en") -> Done:
        # The command sets this itself; here so that it is put back afterwards.
        monkeypatch.setenv("SITUS_LANG", language)
        command = ["situs", "--lang", language, "explain", "-C", str(folder), *arguments]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            run()
        return Done(int(ended.value.code or 0), *capsys.readouterr())

    return ran


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        (
            "en",
            (
                "billing runs at cellar/rack, because it is the only place it may and can be.",
                "Electricity of the work",
                "cloud is approved for level 1, the label has level 2",
                "clearance",
            ),
        ),
        (
            "de",
            (
                "billing läuft in cellar/rack, weil es der einzige Ort ist, der erlaubt und möglich ist.",
                "Strom der Arbeit",
                "cloud ist für Stufe 1 zugelassen, das Label hat Stufe 2",
                "clearance",
            ),
        ),
    ],
)
def test_a_person_reads_why_it_is_there(situs: Command, language: str, sentences: tuple[str, ...]) -> None:
    done = situs("billing", language=language)
    assert (done.returncode, done.stderr) == (0, "")
    for sentence in sentences:
        assert sentence in done.stdout


@pytest.mark.parametrize(
    ("language", "verdict", "offer"),
    [
        (
            "en",
            "billing is not at cloud: cloud is approved for level 1",
            "cloud were approved for level 2 instead of 1",
        ),
        (
            "de",
            "billing ist nicht in cloud: cloud ist für Stufe 1",
            "cloud für Stufe 2 statt 1 zugelassen wäre",
        ),
    ],
)
def test_a_person_reads_why_it_is_not_elsewhere(
    situs: Command, language: str, verdict: str, offer: str
) -> None:
    done = situs("billing", "--why-not", "cloud", language=language)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(verdict)
    assert offer in done.stdout
    assert "sites.cloud.clearance: 2" in done.stdout


def test_a_program_reads_the_same_answers(situs: Command) -> None:
    done = situs("billing", "--json")
    assert done.returncode == 0
    explained = Explanation.model_validate(json.loads(done.stdout))
    assert explained.decision.assignments[0].site == "cellar"
    assert [refused.sites for refused in explained.refused if refused.rule == "clearance"] == [("cloud",)]

    done = situs("newsletter", "--why-not", "cloud", "--json")
    assert done.returncode == 0
    answer = WhyNot.model_validate(json.loads(done.stdout))
    assert answer.verdict == "loses"
    assert answer.offers and all(offer.checked for offer in answer.offers)
    assert done.stdout == situs("newsletter", "--why-not", "cloud", "--json").stdout


def test_where_it_is_already_nothing_is_offered(situs: Command) -> None:
    done = situs("billing", "--why-not", "cellar")
    assert (done.returncode, done.stdout) == (0, "billing is at cellar.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("biling",), "there is no workload 'biling'; did you mean billing?"),
        (("payroll",), "there is no workload 'payroll'; there are billing, newsletter"),
        (("billing", "--why-not", "clowd"), "there is no site 'clowd'; did you mean cloud?"),
    ],
)
def test_a_wrong_name_ends_with_the_likely_one(
    situs: Command, arguments: tuple[str, ...], message: str
) -> None:
    done = situs(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_without_a_rule_the_answer_is_another(situs: Command) -> None:
    done = situs("billing", "--why-not", "cloud", "--off", "clearance", "--json")
    answer = WhyNot.model_validate(json.loads(done.stdout))
    assert answer.verdict == "loses"
    assert answer.reasons[0].rule == "cost"
