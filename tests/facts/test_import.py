"""Price lists of others: three layouts, all problems with their lines, nothing half-written, exact differences."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from situs.cli.main import app
from situs.facts import load
from situs.facts.difference import differences
from situs.facts.fact import PriceFact
from situs.facts.importing import Defaults, Imported, catalogue_files, import_prices
from situs.model.error import InputError
from situs.model.plan import Plan
from situs.store.imports import diff_facts, import_file

DEFAULTS = Defaults(as_of="2026-10-01", source="test", operator="lambda", regions=load().region_countries)

BOARDS = "{'Gpus': [{'Name': 'H100', 'Count': 8.0, 'MemoryInfo': {'SizeInMiB': 81920}}]}"
SKYPILOT = f"""\
InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,AvailabilityZone
gpu_8x,H100,8.0,208.0,1800.0,"{BOARDS}",23.92,,us-east-1,
cpu_4x,,,4.0,16.0,,0.2,0.11,europe-central-1,a
cpu_4x,,,4.0,16.0,,0.2,0.09,europe-central-1,b
cpu_4x,,,4.0,16.0,,0.21,,europe-central-1,c
,T4,1.0,,,,0.35,,us-east-1,
cpu_free,,,4.0,16.0,,0.0,,us-east-1,
cpu_none,,,4.0,16.0,,,0.1,us-east-1,
"""

SHEET = """\
sku,operator,region,country,cpus,memory,accelerator,accelerators,accelerator_memory,price,spot,currency,remark
big,hoster,nbg,DE,64,512GiB,L40S,4,48GiB,9.60,,EUR,new rack
small,hoster,,DE,4,16,,,,0.085 EUR/h,0.03 EUR/h,,
flat,hoster,fsn,DE,8,64,,,,73 EUR/month,,,
"""

CUSTOM = """{
  "operator": "hoster", "country": "DE", "currency": "EUR", "as_of": "2026-11-01", "source": "quote 4711",
  "prices": [
    {"sku": "gpu-1", "region": "nbg", "cpus": 16, "memory": "64GiB", "accelerator": "L4", "accelerators": 1,
     "price": "0.85 EUR/h", "spot": 0.30},
    {"sku": "cpu-1", "price": 0.1, "currency": "CHF", "source": "quote 4712"}
  ],
  "exchange": {"INR": 97.2}
}
"""


def _read(text: str, name: str, defaults: Defaults = DEFAULTS) -> Imported:
    return import_prices(text.encode(), name, defaults)


def test_the_skypilot_layout() -> None:
    imported = _read(SKYPILOT, "vms.csv")
    assert sorted(imported.prices) == ["lambda/europe-central-1/cpu_4x", "lambda/us-east-1/gpu_8x"]
    gpu = imported.prices["lambda/us-east-1/gpu_8x"]
    assert (gpu.accelerator, gpu.accelerators, gpu.accelerator_memory_gib) == ("H100", 8, 80)
    assert (gpu.cpus, gpu.memory_gib, gpu.per_hour, gpu.per_hour_spot) == (208, 1800, Decimal("23.92"), None)
    assert (gpu.country, gpu.currency, gpu.as_of, gpu.source) == ("US", "USD", "2026-10-01", "test")


def test_of_several_zones_the_cheapest_counts() -> None:
    cpu = _read(SKYPILOT, "vms.csv").prices["lambda/europe-central-1/cpu_4x"]
    assert (cpu.per_hour, cpu.per_hour_spot, cpu.country) == (Decimal("0.2"), Decimal("0.09"), "DE")


def test_what_no_price_can_be_made_of_is_listed() -> None:
    left = [str(entry) for entry in _read(SKYPILOT, "vms.csv").left_out]
    assert left == [
        "vms.csv:6:1: an accelerator priced apart from any machine",
        "vms.csv:7:1: a machine without a price by the hour (and 1 more)",
    ]


def test_a_host_without_its_accelerators_is_no_price() -> None:
    google = DEFAULTS.model_copy(update={"operator": "gcp"})
    text = (
        "InstanceType,vCPUs,MemoryGiB,AcceleratorName,AcceleratorCount,GpuInfo,Region,Price,SpotPrice\n"
        "a2-highgpu-1g,12.0,85.0,,,,europe-west4,0.81406,0.31824\nn2-standard-8,8,32,,,,europe-west4,0.4,0.1\n"
    )
    imported = _read(text, "vms.csv", google)
    assert list(imported.prices) == ["gcp/europe-west4/n2-standard-8"]
    assert imported.prices["gcp/europe-west4/n2-standard-8"].country == "NL"
    assert "without the accelerators" in str(imported.left_out[0])


def test_the_skypilot_layout_needs_an_operator_and_known_countries() -> None:
    with pytest.raises(InputError, match="--operator"):
        _read(SKYPILOT, "vms.csv", DEFAULTS.model_copy(update={"operator": None}))
    with pytest.raises(InputError) as caught:
        _read(SKYPILOT, "vms.csv", DEFAULTS.model_copy(update={"operator": "nobody"}))
    assert [p.at.line for p in caught.value.problems if p.at] == [2, 3]
    assert "--country" in str(caught.value)


def test_the_sheet() -> None:
    imported = _read(SHEET, "prices.csv")
    assert sorted(imported.prices) == ["hoster/de/small", "hoster/fsn/flat", "hoster/nbg/big"]
    big, small = imported.prices["hoster/nbg/big"], imported.prices["hoster/de/small"]
    assert (big.memory_gib, big.accelerators, big.accelerator_memory_gib) == (512, 4, 48)
    assert (big.per_hour, big.currency) == (Decimal("9.60"), "EUR")
    assert (small.per_hour, small.per_hour_spot) == (Decimal("0.085"), Decimal("0.03"))
    assert imported.prices["hoster/fsn/flat"].per_hour == Decimal("0.1")
    assert [str(entry) for entry in imported.left_out] == ["prices.csv:1:1: the column 'remark' is not read"]


def test_a_sheet_as_german_spreadsheets_write_it() -> None:
    imported = _read("sku;country;price;memory\nklein;DE;0,085 EUR/h;1,5TiB\ngroß;DE;1,20;64\n", "preise.csv")
    assert imported.prices["lambda/de/klein"].per_hour == Decimal("0.085")
    assert imported.prices["lambda/de/klein"].memory_gib == 1536
    assert imported.prices["lambda/de/groß"].per_hour == Decimal("1.20")


def test_custom_prices() -> None:
    imported = _read(CUSTOM, "own.json", DEFAULTS.model_copy(update={"operator": None}))
    gpu, cpu = imported.prices["hoster/nbg/gpu-1"], imported.prices["hoster/de/cpu-1"]
    assert (gpu.per_hour, gpu.per_hour_spot, gpu.memory_gib) == (Decimal("0.85"), Decimal("0.30"), 64)
    assert (gpu.as_of, gpu.source) == ("2026-11-01", "quote 4711")
    assert (cpu.per_hour, cpu.currency, cpu.source) == (Decimal("0.1"), "CHF", "quote 4712")
    assert imported.rates["INR"].value == Decimal("97.2")


def test_every_bad_row_of_a_sheet_is_told() -> None:
    text = SHEET + (
        "a,hoster,nbg,DE,4,16,,,,cheap,,EUR,\n"
        "b,hoster,nbg,DE,4,sixteen,,,,1,,EUR,\n"
        "c,hoster,nbg,Germany,4,16,,,,1,,EUR,\n"
        ",hoster,nbg,DE,4,16,,,,1,,EUR,\n"
        "big,hoster,nbg,DE,4,16,,,,1,,EUR,\n"
        "d,hoster,nbg,DE,4,16,,,,1 EUR/h,1 CHF/h,,\n"
        "e,hoster,nbg,DE,4,16,,,,-1,,EUR,\n"
        "f,hoster,nbg,DE,4,16,,,,nan,,EUR,\n"
        "g,ho/ster,nbg,DE,4,16,,,,1,,EUR,\n"
        "h,hoster,nbg,DE,four,16,,,,1,,EUR,\n"
    )
    with pytest.raises(InputError) as caught:
        _read(text, "prices.csv")
    assert [p.at.line for p in caught.value.problems if p.at] == [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
    told = str(caught.value)
    assert "prices.csv:5:1: price: 'cheap'" in told
    assert "hoster/nbg/big stands here a second time; the first is at prices.csv:2:1" in told


def test_every_bad_entry_of_a_json_is_told_at_its_place() -> None:
    text = """{"operator": "h", "country": "DE", "exchange": {"INR": 0, "euro": 1},
 "prices": [
  {"sku": "a", "price": "1 EUR/h"},
  {"sku": "b"}, {"sku": "c", "price": "1 EUR/h", "prise": 2},
  [1],
  {"sku": "d", "price": {"x": 1}}
 ]}"""
    with pytest.raises(InputError) as caught:
        _read(text, "own.json")
    places = [(p.at.line, p.at.column) for p in caught.value.problems if p.at]
    assert places == [(1, 1), (1, 1), (4, 3), (4, 17), (5, 3), (6, 3)]
    assert "did you mean price?" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", b"{", "not JSON"),
        ("x.json", b'{"price": []}', "an object with prices or exchange"),
        ("x.json", b'{"prices": 3}', "must be a list"),
        ("x.json", b'{"prices": [{"sku": "a", "price": NaN}]}', "NaN is not a figure"),
        ("x.json", b'{"prices": []}', "no prices in the file"),
        ("x.json", b'{"prices": [], "as_of": "soon"}', "as_of"),
        ("x.json", b"[" * 200_000, "not usable JSON"),
        ("x.json", b"\xff\xfe", "not UTF-8"),
        ("x.csv", b"sku,prize\na,1\n", "is 'prize' meant for it"),
        ("x.csv", b"sku,price\n", "no prices in the file"),
        ("x.csv", b"InstanceType,Price,Region\n,1,us-east-1\n", "an accelerator priced apart"),
    ],
)
def test_what_is_no_price_list_is_refused(name: str, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        import_prices(content, name, DEFAULTS)


ESTATE = """
settings: {at: 2026-06-01}
sites:
  one: {kind: public, operator: h1, country: DE, clearance: 2, pools: {p: {sku: h1/de/m4, limit: 9}}}
  two: {kind: public, operator: h2, country: DE, clearance: 2, pools: {p: {sku: h2/de/m4, limit: 9}}}
workloads:
  web: {stage: serve, label: {level: 1}, shapes: [{cpu: 4, memory: 8GiB}], service: {requests_per_s: 1}}
"""


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    folder = tmp_path / "estate"
    folder.mkdir()
    (folder / "estate.yaml").write_text(ESTATE)
    return folder


def _sheet(folder: Path, name: str, one: str, two: str) -> Path:
    path = folder.parent / name
    path.write_text(f"operator,sku,cpus,memory,price\nh1,m4,4,16,{one}\nh2,m4,4,16,{two}\n")
    return path


def _run(*arguments: object) -> Result:
    return CliRunner(env={"SITUS_LANG": "en"}).invoke(app, [str(argument) for argument in arguments])


def _import(estate: Path, file: Path, day: str) -> Result:
    return _run(
        "facts", "import", file, "-C", estate, "--country", "DE", "--currency", "EUR", "--as-of", day, "--name", "q",
        "--source", "quote", "--json",
    )  # fmt: skip


def test_import_plan_import_plan_replay(estate: Path) -> None:
    """The whole story: prices, a plan, new prices, another plan, and the old plan again, byte for byte."""
    assert _import(estate, _sheet(estate, "v1.csv", "0.10", "0.12"), "2026-05-01").exit_code == 0
    first = Plan.model_validate_json(_run("plan", "-C", estate, "--json").stdout)
    report = json.loads(_import(estate, _sheet(estate, "v2.csv", "0.10", "0.07"), "2026-05-20").stdout)
    assert (report["added"], report["changed"], report["same"]) == (0, 1, 1)
    second = Plan.model_validate_json(_run("plan", "-C", estate, "--json").stdout)
    assert first.decision("web").assignments[0].site == "one"
    assert second.decision("web").assignments[0].site == "two"
    assert second.parent == first.id
    assert sorted(path.name for path in (estate / "facts").iterdir()) == [
        "prices-q-2026-05-01.csv",
        "prices-q-2026-05-20.csv",
    ]
    recorded = (estate / ".situs" / "plans" / f"{first.id.removeprefix('sha256:')}.json").read_bytes()
    for plan in (first, second):
        replayed = _run("replay", plan.id, "-C", estate, "--json")
        assert (replayed.exit_code, json.loads(replayed.stdout)["same"]) == (0, True)
    again = _run(
        "plan", "-C", estate, "--json", "--no-record", "--facts", f"prices@{first.provenance.facts['prices']}"
    )
    made = Plan.model_validate_json(again.stdout)
    assert made.model_copy(update={"parent": first.parent}).sealed() == first
    assert json.loads(recorded) == json.loads(first.model_dump_json())


def test_one_bad_row_and_nothing_is_written(estate: Path) -> None:
    bad = _sheet(estate, "bad.csv", "0.10", "much")
    result = subprocess.run(
        [sys.executable, "-c", "from situs.cli.main import run; run()", "facts", "import", str(bad), "-C", str(estate),
         "--country", "DE"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 2
    assert f"{bad}:3:1: price: 'much'" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (estate / "facts").exists()


def test_a_dry_run_writes_nothing(estate: Path) -> None:
    file = _sheet(estate, "v1.csv", "0.10", "0.12")
    report = import_file(estate, file, country="DE", as_of="2026-05-01", dry_run=True)
    assert (report.written, report.prices, report.added) == (False, 2, 2)
    assert not (estate / "facts").exists()


def test_options_that_are_nonsense_are_told_once(estate: Path) -> None:
    with pytest.raises(InputError) as caught:
        import_file(
            estate, _sheet(estate, "v1.csv", "1", "1"), country="Germany", as_of="soon", currency="Euro"
        )
    assert [str(problem).split(" ")[0] for problem in caught.value.problems] == [
        "--as-of",
        "--country",
        "--currency",
    ]
    with pytest.raises(InputError, match="no layout 'xml'"):
        import_file(estate, estate / "estate.yaml", layout="xml")
    with pytest.raises(InputError, match="cannot be read"):
        import_file(estate, estate / "missing.csv")


def test_two_files_are_compared_as_they_are(estate: Path) -> None:
    for file, day in (
        (_sheet(estate, "v1.csv", "0.10", "0.12"), "2026-05-01"),
        (_sheet(estate, "v2.csv", "0.13", "0.12"), "2026-06-01"),
    ):
        assert _import(estate, file, day).exit_code == 0
    new = estate / "facts" / "prices-q-2026-06-01.csv"
    new.write_text(new.read_text() + "h3,de,DE,m4,4,16,,0,,EUR,0.5,,2026-06-01,quote\n")
    found = diff_facts(estate, str(estate / "facts" / "prices-q-2026-05-01.csv"), str(new))
    assert [(d.name, d.change, d.before, d.after, d.percent) for d in found] == [
        ("h1/de/m4", "changed", "0.1 EUR/h", "0.13 EUR/h", Decimal("30.00")),
        ("h3/de/m4", "added", None, "0.5 EUR/h", None),
    ]
    back = diff_facts(estate, str(new), str(estate / "facts" / "prices-q-2026-05-01.csv"))
    assert [(d.name, d.change) for d in back] == [("h1/de/m4", "changed"), ("h3/de/m4", "removed")]


def test_a_kept_version_is_compared_with_what_is_used_now(estate: Path) -> None:
    _import(estate, _sheet(estate, "v1.csv", "0.10", "0.12"), "2026-05-01")
    plan = Plan.model_validate_json(_run("plan", "-C", estate, "--json").stdout)
    _import(estate, _sheet(estate, "v2.csv", "0.10", "0.06"), "2026-06-01")
    shown = _run("facts", "diff", f"prices@{plan.provenance.facts['prices']}", "-C", estate)
    assert shown.exit_code == 1
    assert "-50.00" in shown.output
    assert _run("facts", "diff", "packaged", "packaged", "-C", estate).exit_code == 0


def test_no_difference_to_oneself() -> None:
    assert differences(load(), load()) == ()


_texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
_figures = st.decimals(min_value=0, max_value=10**6, places=6)
_facts = st.builds(
    PriceFact,
    operator=st.sampled_from(["h1", "h2"]),
    region=st.sampled_from(["a", "b"]),
    country=st.sampled_from(["DE", "FR"]),
    sku=_texts,
    cpus=_figures,
    memory_gib=_figures,
    accelerator=st.one_of(st.none(), st.sampled_from(["H100", "L4"])),
    accelerators=st.just(0),
    accelerator_memory_gib=st.one_of(st.none(), _figures),
    currency=st.sampled_from(["EUR", "USD"]),
    per_hour=_figures,
    per_hour_spot=st.one_of(st.none(), _figures),
    as_of=st.sampled_from(["2026", "2026-10-01"]),
    source=_texts,
)


@given(st.lists(_facts, min_size=1, max_size=8))
def test_what_is_written_is_read_back_the_same(facts: list[PriceFact]) -> None:
    from situs.facts.layer import CATALOGUES, Layer
    from situs.facts.reading import read

    imported = Imported(prices={fact.key: fact for fact in facts})
    ((name, content),) = catalogue_files(imported, "Some List").items()
    assert name.startswith("prices-some-list-")
    layers = {**dict.fromkeys(CATALOGUES, ()), "prices.csv": (Layer("prices.csv", name, content),)}
    assert read(layers).price_facts == imported.prices
