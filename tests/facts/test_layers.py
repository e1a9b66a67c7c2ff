"""The user's own catalogues: laid over the packaged ones, refused with every problem at its line."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from situs.facts import load, read
from situs.facts.layer import layers_at, over, packaged
from situs.model.error import InputError

HEADER = (
    "operator,region,country,sku,cpus,memory_gib,accelerator,accelerators,currency,per_hour,as_of,source\n"
)
SKU = "aws/us-east-1/t3.large"


def _prices(folder: Path, name: str, *rows: str) -> Path:
    path = folder / name
    path.write_text(HEADER + "".join(row + "\n" for row in rows))
    return path


def test_a_user_price_wins_over_the_packaged_one(tmp_path: Path) -> None:
    own = _prices(
        tmp_path, "prices-quote.csv", "aws,us-east-1,US,t3.large,2,8,,0,EUR,0.05,2026-10-01,quote 17"
    )
    price = load([own]).price(SKU)
    assert price is not None
    assert (price.per_hour, price.currency, price.source) == (Decimal("0.05"), "EUR", "quote 17")
    packaged_price = load().price(SKU)
    assert packaged_price is not None and packaged_price.currency == "USD"


def test_a_folder_is_read_oldest_figures_first(tmp_path: Path) -> None:
    row = "aws,us-east-1,US,t3.large,2,8,,0,EUR,{},{},quote"
    _prices(tmp_path, "prices-a.csv", row.format("0.09", "2026-11-01"))
    _prices(tmp_path, "prices-b.csv", row.format("0.05", "2026-10-01"))
    price = load([tmp_path]).price(SKU)
    assert price is not None and price.per_hour == Decimal("0.09")


def test_what_is_named_later_wins_whatever_its_date(tmp_path: Path) -> None:
    row = "aws,us-east-1,US,t3.large,2,8,,0,EUR,{},{},quote"
    new = _prices(tmp_path, "prices-a.csv", row.format("0.09", "2026-11-01"))
    old = _prices(tmp_path, "prices-b.csv", row.format("0.05", "2026-10-01"))
    price = load([new, old]).price(SKU)
    assert price is not None and price.per_hour == Decimal("0.05")


def test_only_the_version_of_what_was_extended_changes(tmp_path: Path) -> None:
    own = _prices(tmp_path, "prices-q.csv", "h,nbg,DE,big,2,8,,0,EUR,0.05,2027-01-31,quote")
    before, after = load().versions, load([own]).versions
    assert {name for name in before if before[name] != after[name]} == {"prices"}
    assert after["prices"].startswith("2027-01-31+")


def test_the_same_layers_give_the_same_facts(tmp_path: Path) -> None:
    own = _prices(tmp_path, "prices-q.csv", "h,nbg,DE,big,2,8,,0,EUR,0.05,2027-01-31,quote")
    facts = load([own])
    again = read(facts.layers)
    assert again.versions == facts.versions
    assert again.price_facts == facts.price_facts


def test_every_problem_is_told_with_its_line(tmp_path: Path) -> None:
    own = _prices(
        tmp_path,
        "prices-bad.csv",
        "h,nbg,DE,good,2,8,,0,EUR,0.05,2026-10-01,quote",
        "h,nbg,DE,a,2,8,,0,EUR,cheap,2026-10-01,quote",
        "h,nbg,DE,b,2,8,,0,EUR,-1,2026-10-01,quote",
        "h,nbg,DE,c,2,8,,0,EUR,NaN,2026-10-01,quote",
        "h,nbg,Germany,d,2,8,,0,EUR,1,2026-10-01,quote",
        "h,nbg,DE,e,2,8,,0,EUR,1,last week,quote",
        "h,nbg,DE,f,2,8,,0,EUR,1,2026-10-01,",
        "h,nbg,DE,g,2,8,,4,EUR,1,2026-10-01,quote",
        "h,nbg,DE,h,2,8,,0,Euro,1,2026-10-01,quote",
        "h,nbg,DE,i,2,8",
    )
    with pytest.raises(InputError) as caught:
        load([own])
    assert [problem.at.line for problem in caught.value.problems if problem.at] == [
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        10,
        11,
    ]
    told = str(caught.value)
    assert f"{own}:3:1: per_hour: 'cheap'" in told
    assert "source is missing" in told
    assert "does not say which" in told


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("prices-x.csv", b"operator,region\n", "the column 'country' is missing"),
        ("prices-x.csv", b"", "columns are none"),
        ("prices-x.csv", b"\xff\xfe\x00", "not UTF-8"),
        ("prices-x.csv", HEADER.encode() + b'"a,b\n', "not CSV"),
        ("prices-x.csv", HEADER.replace("sku", "per_hour").encode(), "stands twice"),
        ("exchange-x.csv", b"currency,per_eur,as_of,source\nINR,0,2026-01-01,x\n", "worthless"),
        ("exchange-x.csv", b"currency,per_eur,as_of,source\nINR,inf,2026-01-01,x\n", "per_eur|value"),
        ("egress-x.json", b"{", "not JSON"),
        ("egress-x.json", b"[1]", "must be a JSON object"),
        ("egress-x.json", b"[" * 100_000, "not usable JSON"),
        ("egress-x.json", b'{"as_of": NaN}', "NaN is not a figure"),
        ("egress-x.json", b'{"aws": {"tiers": [{"up_to_gb": null}]}}', "free_tier_gb"),
        ("storage-x.json", b'{"as_of": "2026", "source": "x", "aws": {"tiers": []}}', "no tier 'hot'"),
        (
            "groups-x.json",
            b'{"groups": {"X": {"title": "x", "members": [{"country": "DE"}]}}}',
            "valid_from is missing",
        ),
        ("schemes-x.json", b'{"schemes": [3]}', "Scheme"),
        ("notes.csv", b"", "begins with one of prices.csv"),
        ("prices-x.json", b"{}", "begins with one of prices.csv"),
    ],
)
def test_what_is_no_catalogue_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        load([tmp_path / name])


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load([tmp_path / "prices-x.csv"])


def test_the_longest_name_says_which_catalogue_it_is(tmp_path: Path) -> None:
    path = tmp_path / "carbon_regions-2026.csv"
    path.write_text("operator,region,country,g_per_kwh,as_of,source\nh,nbg,DE,0,2026-10-01,own solar roof\n")
    assert [layer.catalogue for layer in layers_at(path)] == ["carbon_regions.csv"]
    facts = read(over(packaged(), layers_at(path)))
    carbon = facts.carbon("h", "nbg", "DE")
    assert carbon is not None and carbon.source == "own solar roof"
    assert facts.region_countries["h", "nbg"] == "DE"


def test_rates_follow_the_calendar(tmp_path: Path) -> None:
    path = tmp_path / "exchange-2026.csv"
    path.write_text(
        "currency,per_eur,as_of,source\n"
        "USD,1.10,2026-03-31,bank\nUSD,1.20,2026-06-30,bank\nUSD,1.21,2026-06-30,bank corrected\n"
    )
    facts = load([path])

    def rate(day: str) -> Decimal:
        return facts.rate("EUR", "USD", datetime.fromisoformat(day).replace(tzinfo=UTC))

    assert rate("2020-01-01") == rate("2026-03-30") == Decimal("1.0389")
    assert rate("2026-03-31") == rate("2026-06-29") == Decimal("1.10")
    assert rate("2026-06-30") == rate("2029-01-01") == Decimal("1.21")
