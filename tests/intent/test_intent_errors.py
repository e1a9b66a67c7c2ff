"""Every problem at once, each with file, line, column, the value and the likely fix."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from situs.intent import load, loads
from situs.model.error import InputError, Problem

SITES = """\
sites:
  frankfurt:
    kind: publik
    country: DE
    clearence: 2
    pools:
      spot:
        node: {cpu: 8, memory: -32GiB}
        price: {basis: spot, price: 1 EUR}
        count: many
  munich:
    kind: on_prem
    country: Germany
    pools:
      rack:
        node: {cpu: 8, memory: 32Gibi}
        price: {basis: ownd, price: 100 EUR}
"""
WORK = """\
datasets:
  scans: {size_gb: .nan, replicas: [munch]}
workloads:
  train:
    stage: train
    inputs: [{dataset: scan}]
    job: {work: 3h}
  serve:
    stage: serve
    service: {requests_per_s: 5}
    job: {work: 1h}
  both: {stage: serve}
linkz: []
"""


def problems_of(folder: Path) -> list[Problem]:
    with pytest.raises(InputError) as caught:
        load(folder)
    return caught.value.problems


def test_every_problem_of_all_files_is_reported_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "sites.yaml").write_text(SITES)
    (tmp_path / "work.yaml").write_text(WORK)
    found = {
        (Path(p.at.file).name, p.at.line, p.at.column): (p.what, p.fix)
        for p in problems_of(tmp_path)
        if p.at is not None
    }
    expected = {
        ("sites.yaml", 3, 5): (
            "'publik' is not one of public, private, on_prem, edge",
            "did you mean public?",
        ),
        ("sites.yaml", 5, 5): ("there is no field 'clearence'", "did you mean clearance?"),
        ("sites.yaml", 8, 24): ("'-32GiB' is negative", None),
        ("sites.yaml", 9, 30): ("'1 EUR' is not a price per h", None),
        ("sites.yaml", 10, 9): ("'many' must be a whole number", None),
        ("sites.yaml", 13, 5): ("'Germany' is not a country code", None),
        ("sites.yaml", 16, 24): ("has the unit 'Gibi'", None),
        ("sites.yaml", 17, 17): ("basis 'ownd' is not one of", "did you mean owned?"),
        ("work.yaml", 2, 11): ("'.nan' is not a quantity", None),
        ("work.yaml", 2, 37): ("there is no site 'munch'", "did you mean munich?"),
        ("work.yaml", 6, 15): ("there is no dataset 'scan'", "did you mean scans?"),
        ("work.yaml", 8, 3): ("a workload is either a job or a service", None),
        ("work.yaml", 12, 3): ("a workload is either a job or a service", None),
        ("work.yaml", 13, 1): ("there is no section 'linkz'", "did you mean links?"),
    }
    assert set(found) == set(expected)
    for place, (what, fix) in expected.items():
        assert what in found[place][0], place
        assert found[place][1] == fix or fix is None, place


def test_wrong_names_are_told_beside_other_mistakes_of_the_same_entry() -> None:
    with pytest.raises(InputError) as caught:
        loads(
            "workloads:\n"
            "  w: {stage: batch, job: {work: 1h}, shapes: [{cpu: -1}], inputs: [{dataset: nope}], use_case: x}\n"
            "rules:\n"
            "  r: {title: T, owner: 5, applies_to: {name: [v]}, never_at: {country: [DE]}}\n"
        )
    told = [problem.what for problem in caught.value.problems]
    assert len(told) == 5
    for what in (
        "-1 is negative",
        "no dataset 'nope'",
        "no use case 'x'",
        "must be text",
        "no workload or dataset 'v'",
    ):
        assert any(what in line for line in told), what


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ("workloads: {w: {stage: batch, job: {work: 8 parsecs}, inputs: [{dataset: nope}]}}", "'parsecs'"),
        ("workloads: {w: {stage: serve, service: {requests_per_s: x}, inputs: [{dataset: nope}]}}", "'x'"),
        ("workloads: {w: {stage: batch, inputs: [{dataset: nope}]}}", "a job or a service"),
        ("workloads: {w: {job: {work: 8h}, inputs: [{dataset: nope}]}}", "stage is missing"),
        ("datasets: {d: {size_gb: 5, label: {level: 9}, replicas: [nope]}}", "9 is not at most 4"),
        ("datasets: {d: {replicas: [nope]}}", "size_gb is missing"),
    ],
)
def test_a_wrong_name_is_told_also_where_what_no_entry_can_do_without_is_wrong(
    entry: str, wrong: str
) -> None:
    with pytest.raises(InputError) as caught:
        loads(entry)
    first, second = (problem.what for problem in caught.value.problems)
    assert wrong in first + second
    assert "'nope'" in first + second


def test_a_broken_entry_is_not_also_missing() -> None:
    with pytest.raises(InputError) as caught:
        loads("sites: {a: {kind: edge}}\nlinks: [{from: a, to: b}]\n")
    assert [p.what for p in caught.value.problems] == [
        "sites.a.country is missing",
        "there is no site or location 'b'",
    ]


def test_positions_of_links_skip_the_broken_ones() -> None:
    with pytest.raises(InputError) as caught:
        loads("links:\n  - {from: a, to: '*', latency: 5 parsec}\n  - {from: nowhere, to: '*'}\n")
    assert [(p.at.line, p.at.column) for p in caught.value.problems if p.at] == [
        (2, 24),
        (3, 6),
    ]


def test_an_unreadable_file_hides_no_other_problem_and_makes_up_none(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("sites:\n  a: [\n")
    (tmp_path / "b.yaml").write_text("workloads:\n  w: {stage: trane, use_case: x, job: {work: 1h}}\n")
    what = [p.what for p in problems_of(tmp_path)]
    assert len(what) == 2
    assert what[0].startswith("this is not YAML")
    assert "'trane'" in what[1]


def test_names_given_twice_are_told_with_both_places(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "sites:\n  x: {kind: edge, country: DE}\n  x: {kind: edge, country: DE}\n"
    )
    (tmp_path / "b.yaml").write_text("sites:\n  x: {kind: edge, country: DE, kind: edge}\n")
    texts = [str(p).replace(str(tmp_path) + "/", "") for p in problems_of(tmp_path)]
    assert texts == [
        "a.yaml:3:3: 'x' stands here a second time; the first is at a.yaml:2:3 (rename or remove one of them)",
        "b.yaml:2:3: sites 'x' is defined a second time; the first is at a.yaml:2:3 (rename one of them)",
        "b.yaml:2:32: 'kind' stands here a second time; the first is at b.yaml:2:7 (rename or remove one of them)",
    ]


@pytest.mark.parametrize(
    ("text", "what", "place"),
    [
        (
            "sites: {a: {kind: edge, country: DE}}\nlinks:\n- {from: a, to: '*', both_ways: true}\n"
            "- {from: '*', to: a}\n",
            "the way from '*' to 'a' is given a second time; the first is at <text>:3:3",
            (4, 3),
        ),
        (
            "rules: {r: {title: t, never_at: {name: [a]}}}",
            "there is no site 'a'",
            (1, 34),
        ),
        (
            "rules: {r: {title: t, applies_to: {stage: [serv]}, min_control: 1}}",
            "rules.r.applies_to.stage.0: 'serv' is not one of develop, prepare",
            (1, 44),
        ),
        (
            "datasets: {a: {size_gb: 1}, b: {size_gb: 1}}\nworkloads:\n"
            "  x: {stage: prepare, job: {work: 1h}, inputs: [{dataset: b}], outputs: [{dataset: a}]}\n"
            "  y: {stage: prepare, job: {work: 1h}, inputs: [{dataset: a}], outputs: [{dataset: b}]}\n",
            "data come from themselves: a → b → a",
            (1, 12),
        ),
        (
            "workloads:\n  x: {stage: train, job: {work: 1h}, after: [y]}\n"
            "  y: {stage: train, job: {work: 1h}, after: [x]}\n",
            "workloads wait for each other: x → y → x",
            (2, 38),
        ),
        (
            "workloads:\n  x: {stage: train, job: {work: 1h}, after: [y]}\n"
            "  y: {stage: serve, service: {requests_per_s: 1}}\n",
            "workload 'x' waits for the end of 'y', a service, which has none",
            (2, 38),
        ),
        (
            "sites: {а: {kind: edge, country: DE}}",
            "'а' contains 'а' (CYRILLIC SMALL LETTER A), which is not an ASCII letter",
            (1, 9),
        ),
        (
            "datasets: {patients: {size_gb: 1, replicas: [clinіc]}}",
            "'clinіc' is not a usable name; it contains 'і' (CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I)",
            (1, 46),
        ),
        ("sites: {a: {kind: edge, country: DE, title: \"\\e[2J\"}}", "the text contains U+001B", (1, 45)),
        ("sites: {a: {kind: edge, country: DE, title: a\u202eb}}", "RIGHT-TO-LEFT OVERRIDE", (1, 45)),
        ("sites: &a {}", None, None),
        ("sites: {x: *a}", "aliases (*name) are not read", (1, 12)),
        ("sites: !!python/object:os.system {}", "the tag 'tag:yaml.org,2002:python/object:os.system'", (1, 8)),
        ("settings: {at: 0001-01-01T00:00:00+14:00}", "the year 1 is not between", (1, 12)),
        ("settings: {horizon: 1e999}", "inf is not finite", (1, 12)),
        ("settings: {horizon: .inf}", "'.inf' is not a quantity", (1, 12)),
        ("settings: {horizon: -3}", "-3 is negative", (1, 12)),
        ("settings: {currency: euro}", "'euro'", (1, 12)),
    ],
)  # fmt: skip
def test_single_mistakes(text: str, what: str | None, place: tuple[int, int] | None) -> None:
    if what is None:
        loads(text)
        return
    with pytest.raises(InputError) as caught:
        loads(text)
    assert len(caught.value.problems) == 1, caught.value
    problem = caught.value.problems[0]
    assert what in problem.what
    assert problem.at is not None
    assert (problem.at.line, problem.at.column) == place


def test_two_services_cannot_listen_at_one_address() -> None:
    with pytest.raises(InputError) as caught:
        loads(
            "workloads:\n  one: {" + served("127.0.0.1:80") + "}\n  two: {" + served("127.0.0.1:80") + "}\n"
        )
    (problem,) = caught.value.problems
    assert "takes the requests for 'one' already" in problem.what
    assert problem.at is not None and problem.at.line == 3


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (("127.0.0.1", "/ready"), "listen"), (("x y:80", "/ready"), "listen"), (("x:80\n", "/ready"), "listen"),
        (("x:80", "/a b"), "health"), (("x:80", "/a#b"), "health"), (("x:80", None), "give run"),
    ],
)  # fmt: skip
def test_what_goes_into_the_proxys_settings_is_harmless(text: tuple[str, str | None], what: str) -> None:
    with pytest.raises(InputError, match=what):
        loads("workloads: {one: {" + served(*text) + "}}")


def served(listen: str, health: str | None = "/ready") -> str:
    run = {"command": ["x"], **({"health": health} if health else {})}
    service = {"requests_per_s": 1, "listen": listen}
    return f"stage: serve, label: {{level: 0}}, service: {json.dumps(service)}, run: {json.dumps(run)}"


def test_a_pool_named_like_a_price_basis_keeps_its_place() -> None:
    with pytest.raises(InputError) as caught:
        loads(
            "sites:\n  s:\n    kind: edge\n    country: DE\n    pools:\n      owned:\n"
            "        node: {cpu: 1, memory: 1}\n        price: {basis: owned, prise: 1 EUR}\n"
        )
    texts = [str(p) for p in caught.value.problems]
    assert texts == [
        "<text>:8:9: sites.s.pools.owned.price.price is missing (add price: ...)",
        "<text>:8:31: there is no field 'prise' in sites.s.pools.owned.price (did you mean price?)",
    ]


def test_the_command_says_so_and_exits_with_two(tmp_path: Path) -> None:
    (tmp_path / "sites.yaml").write_text(SITES)
    plain = _situs("validate", "-C", str(tmp_path))
    assert plain.returncode == 2
    assert plain.stderr.count("error:") == 8
    assert "sites.yaml:3:5" in plain.stderr
    as_json = _situs("validate", "--json", "-C", str(tmp_path))
    assert as_json.returncode == 2
    first = json.loads(as_json.stdout)["problems"][0]
    assert (first["line"], first["column"], first["fix"]) == (3, 5, "did you mean public?")


def _situs(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = "from situs.cli.main import run; run()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
