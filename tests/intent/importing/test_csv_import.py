"""A table of services as workloads, whatever a spreadsheet made of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from situs.intent import loads
from situs.intent.importing import Imported
from situs.intent.importing.spreadsheet import heading, read_spreadsheet
from situs.intent.importing.table import table_of, with_point
from situs.model.error import InputError
from situs.model.estate import SiteKind
from situs.model.workload import Stage


def imported(text: str | bytes, currency: str | None = None) -> Imported:
    raw = text if isinstance(text, bytes) else text.encode()
    result = read_spreadsheet(table_of(raw, "services.csv"), currency)
    assert loads(result.yaml()).intent == result.intent
    return result


ENGLISH = """\
name,stage,cpu,memory,gpu,gpus,requests_per_s,requests_per_replica,data,data_gb,level,site,site_kind,country,value
triage,serve,4,16GiB,L4/T4,1,2.5,10,scans,1200,4,cellar,on_prem,DE,"12,000.50 EUR"
"""
GERMAN = """\
Dienst;Phase;Kerne;Arbeitsspeicher (GB);GPU;Anzahl GPU;Anfragen pro s;Durchsatz;Daten;Datenmenge (TB);Schutzklasse;\
Standort;Art Standort;Land;Wert (EUR)
triage;serve;4;16;L4/T4;1;2,5;10;scans;1,2;4;cellar;eigenes Rechenzentrum;DE;12.000,50
"""


def test_english_and_german_tables_say_the_same() -> None:
    assert imported(ENGLISH).intent == imported(GERMAN).intent


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_any_encoding_a_spreadsheet_saves(encoding: str, ending: str) -> None:
    text = "Name;Beschreibung\nröntgen;Prüfung der Größe\n".replace("\n", ending)
    workload = imported(text.encode(encoding)).intent.workloads["roentgen"]
    assert workload.title == "Prüfung der Größe"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_separator(separator: str) -> None:
    text = separator.join(["name", "cpu", "title"]) + "\n" + separator.join(["a", "3", '"x, y; z"']) + "\n"
    workload = imported(text).intent.workloads["a"]
    assert (workload.shapes[0].cpu, workload.title) == (3, "x, y; z")


@pytest.mark.parametrize(
    ("text", "comma", "plain"),
    [
        ("1,5", True, "1.5"), ("1.5", True, "1.5"), ("1.234,56", True, "1234.56"), ("1,234.56", False, "1234.56"),
        ("1,234", False, "1234"), ("1,234", True, "1.234"), ("12.345.678", True, "12345678"), ("1'200", True, "1200"),
        ("1 200,5 EUR", True, "1200.5 EUR"), ("99,9 %", True, "99.9 %"), ("1,2 TB", False, "1.2 TB"), ("", True, ""),
        ("1\u00a0200", False, "1200"), ("-5", True, "-5"),
    ],
)  # fmt: skip
def test_numbers_with_points_and_commas(text: str, comma: bool, plain: str) -> None:
    assert with_point(text, comma) == plain


@pytest.mark.parametrize(
    ("text", "comma"), [("1.500", True), ("1.2.3", False), ("1,2,3", True), ("1.2,3.4", True)]
)
def test_numbers_that_may_mean_two_things_are_refused(text: str, comma: bool) -> None:
    with pytest.raises(ValueError, match=r"may be|is not a number"):
        with_point(text, comma)


@given(st.integers(0, 10**9), st.integers(0, 99))
def test_any_amount_as_germans_and_as_the_english_write_it(whole: int, cents: int) -> None:
    english = f"{whole:,}.{cents:02}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert with_point(english, False) == with_point(german, True) == f"{whole}.{cents:02}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Läufe pro Monat", ("laeufe_pro_monat", "")), ("Memory (GiB)", ("memory", "GiB")), ("  CPU ", ("cpu", "")),
     ("Wert [EUR]", ("wert", "EUR")), ("requests/s", ("requests_s", ""))],
)  # fmt: skip
def test_headings(text: str, expected: tuple[str, str]) -> None:
    assert heading(text) == expected


def test_a_row_with_hours_is_a_job() -> None:
    result = imported(
        "name;hours;runs per month;earliest;deadline\nnightly;3,5;30;;\nonce;8;;24.12.2026;31.12.2026 06:00\n"
    )
    nightly, once = result.intent.workloads["nightly"], result.intent.workloads["once"]
    assert nightly.stage is Stage.BATCH
    assert nightly.job is not None
    assert (nightly.job.work, nightly.job.per_month) == (3.5, 30)
    assert once.job is not None
    assert once.job.deadline is not None
    assert once.job.deadline.isoformat() == "2026-12-31T06:00:00+00:00"


def test_sites_users_and_use_cases_come_along() -> None:
    result = imported(
        "name,site,site kind,country,users at,users country,latency,use case,owner,value,budget,availability,data\n"
        "a,aws,cloud,DE,ward,DE,15,diagnosis,radiology,€ 900,2400 EUR/year,99.5%,scans/labs\n"
        "b,aws,,,ward,DE,,diagnosis,,100 EUR,,,\n"
        "c,nowhere,,,,,20,hobby,,,,,\n"
    )
    intent = result.intent
    assert intent.sites["aws"].kind is SiteKind.PUBLIC
    assert intent.workloads["b"].current is not None
    assert intent.workloads["a"].latency[0].limit == 15
    assert intent.use_cases["diagnosis"].owner == "radiology"
    assert str(intent.use_cases["diagnosis"].value) == "1000 EUR/month"
    assert str(intent.workloads["a"].budget) == "200.00 EUR/month"
    assert intent.workloads["a"].availability == pytest.approx(0.995)
    assert intent.datasets["scans"].replicas == ("aws",)
    told = {remark.what for remark in result.unmapped}
    assert told == {"site nowhere", "latency 20 ms", "use case hobby"}
    assert "where scans is" in {remark.what for remark in result.assumed}


def test_unknown_columns_are_told_and_misspelt_ones_refused() -> None:
    assert [r.what for r in imported("name,Bemerkung\na,gut\n").unmapped] == ["column 'Bemerkung'"]
    assert [r.what for r in imported("name;Kosten\na;3\n").unmapped] == ["column 'Kosten'"]
    # Like the German word for nodes, and another word all the same.
    assert [r.what for r in imported("name,note\na,gut\n").unmapped] == ["column 'note'"]
    with pytest.raises(InputError, match=r"there is no column 'memmory' \(did you mean memory\?\)"):
        imported("name,memmory\na,3\n")


@pytest.mark.parametrize("heading", ["requests per second", "Requests / s", "Anfragen pro Sekunde"])
def test_requests_are_known_by_all_their_names(heading: str) -> None:
    service = imported(f"name,{heading}\na,20\n").intent.workloads["a"].service
    assert service is not None and service.requests_per_s == 20


def test_every_mistake_is_told_with_its_line() -> None:
    with pytest.raises(InputError) as caught:
        imported(
            "name;cpu;memory;gpus;value;hours;requests_per_s;priority;stage\n"
            "a;vier;;;;;;;\n"
            "\n"
            "b;1;12 Äpfel;;;;;;\n"
            "c;1;;;900;;;;\n"
            "d;1;;;;2;3;;\n"
            "a;-1;;;;;;;\n"
            ";1;;;;;;;\n"
            "e;1;;;;;;1,5;\n"
            '"f\n2";1;;;;;;;trane\n'
            "g;1;;;;;;;;;\n"
        )
    lines = {(p.at.line if p.at else None): p.what for p in caught.value.problems}
    assert set(lines) == {2, 4, 5, 6, 7, 8, 9, 10, 12}
    assert "cpu: 'vier' is not a number" in lines[2]
    assert "'12 Äpfel' is not a quantity" in lines[4]
    assert "has no currency" in lines[5]
    assert "hours make it a job" in lines[6]
    assert "'a' is there a second time" in lines[7] or "negative" in lines[7]
    assert "no usable name" in lines[8]
    assert "'1.5' is not a whole number" in lines[9]
    assert "'trane' is not one of" in lines[10]
    assert "11 cells, the header 9" in lines[12]


def test_a_currency_can_be_given_for_all() -> None:
    result = imported("name,value,use case\na,900,x\n", currency="CHF")
    assert str(result.intent.workloads["a"].value) == "900 CHF/month"


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"", "the table is empty"),
        (b"\n\n", "the table is empty"),
        (b"name\n", "the table has no rows"),
        (b"cpu\n3\n", "there is no column name"),
        (b"name\na\0b\n", "U+0000"),
        (b'name\n"' + b"x" * 200_000 + b'"\n', "this is not a table"),
        (b"," * 1000 + b"\na\n", "1,001 columns"),
        (b"name,service\na,b\n", "stands for name, and so does another"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused(raw: bytes, what: str) -> None:
    with pytest.raises(InputError) as caught:
        imported(raw)
    assert what in str(caught.value)


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_any_table_is_imported_or_refused(raw: bytes) -> None:
    for text in (raw, b"name,cpu,value,data\n" + raw):
        try:
            imported(text)
        except InputError as error:
            assert error.problems
