"""What a board reads: nothing from elsewhere, every figure with its source, in both languages."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape
from string import Formatter

import pytest

from situs.facts import load as load_facts
from situs.model.estate import Owned
from situs.planner.analysis.compare import compare
from situs.planner.analysis.finding import EVIDENCE as POSTURE_EVIDENCE
from situs.planner.analysis.prices import rule_prices
from situs.planner.analysis.whatif import per_month
from situs.report.charts import DESK, PHONE, Bar, bars
from situs.report.texts import EVIDENCE, RULES, TEXTS
from tests.report.pages import LANGUAGES, LONG, Decision, crowded, demo, overlong, read, rows, written

SECTIONS = [
    "estate", "decisions", "moves", "alternatives", "by_part", "breakeven", "rules", "drill", "risks",
    "use_cases", "sources",
]  # fmt: skip


def amount(text: str) -> Decimal:
    """A figure as people of either language write it; the last mark is the decimal one."""
    digits = re.sub(r"[^\d.,−]", "", text).replace("−", "-")
    if digits[-3:-2] == ",":
        digits = digits.replace(".", "").replace(",", ".")
    return Decimal(digits.replace(",", ""))


@pytest.mark.parametrize("language", LANGUAGES)
class TestPage:
    @pytest.mark.parametrize("which", ["demo", "overlong"])
    def test_it_asks_for_nothing_from_anywhere(self, which: str, language: str) -> None:
        page = read(which, language)
        assert page.references == []
        assert not {"script", "iframe", "object", "embed", "link", "img", "form", "base", "video"} & set(
            page.tags
        )
        for style in page.styles:
            assert not re.search(r"@import|https?:|//", style)
            assert re.findall(r"url\(([^)]*)\)", style) == [
                inner for inner in re.findall(r"url\(([^)]*)\)", style) if inner.startswith("#")
            ]
        assert re.findall(r"url\((?!#)", written(which, language)) == []
        assert "default-src 'none'" in written(which, language)

    def test_all_that_a_board_asks_is_there(self, language: str) -> None:
        assert list(read("demo", language).sections) == SECTIONS
        assert f'<html lang="{language}">' in written("demo", language)

    def test_no_word_is_missing_and_none_is_left_to_fill_in(self, language: str) -> None:
        text = " ".join(read("demo", language).text)
        assert not re.search(r"\{\w*\}|None|nan|inf\b|Decimal\(|<class", text)

    def test_each_id_is_there_once_and_every_mark_leads_to_one(self, language: str) -> None:
        page = written("demo", language)
        ids = read("demo", language).ids
        assert len(ids) == len(set(ids))
        assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)

    def test_mark_up_in_names_stays_text(self, language: str) -> None:
        page = written("overlong", language)
        assert "<b>&amp;amp;</b>" not in page
        assert "&lt;b&gt;" in page
        assert read("overlong", language).tags.count("b") == read("demo", language).tags.count("b")

    def test_it_is_the_same_every_time(self, language: str) -> None:
        assert demo().page(language) == written("demo", language)


@pytest.mark.parametrize("language", LANGUAGES)
class TestFigures:
    """What is printed is what was decided."""

    def test_the_parts_add_up_to_the_total_to_the_cent(self, language: str) -> None:
        table = rows("demo", language, "by_part")
        *parts, total = [amount(row[1]) for row in table]
        assert sum(parts) == total
        assert total == round(per_month(demo().decided.plan), 2)

    def test_every_workload_is_decided_about_with_its_own_cost(self, language: str) -> None:
        plan = demo().decided.plan
        shown = {row[0]: amount(row[2]) for row in rows("demo", language, "decisions")}
        months = Decimal(plan.horizon_hours) / 730
        for decision in plan.decisions:
            cost = sum((sum(a.costs.values(), Decimal(0)) for a in decision.assignments), Decimal(0))
            assert shown[decision.workload] == round(cost / months, 2)

    def test_the_alternatives_are_those_of_compare(self, language: str) -> None:
        entry = demo()
        ways = compare(entry.decided, entry.intent, load_facts())
        table = rows("demo", language, "alternatives")
        assert [amount(row[1]) for row in table] == [round(way.cost_per_month, 2) for way in ways]
        assert [row[0] for row in table] == [TEXTS[language][way.name] for way in ways]
        assert [row[4] for row in table] == [
            ", ".join(way.left_out) or TEXTS[language]["none"] for way in ways
        ]

    def test_the_prices_of_rules_are_those_that_were_solved(self, language: str) -> None:
        entry = demo()
        priced = rule_prices(entry.decided, entry.intent, load_facts())
        shown = [(amount(row[2]), amount(row[3])) for row in rows("demo", language, "rules")]
        wanted = [
            (Decimal(p.removes), round(p.costs_per_month, 2))
            for p in priced
            if p.removes or p.costs_per_month
        ]
        assert shown == wanted
        assert wanted

    def test_dearer_prices_cost_more_and_staying_costs_no_less_than_planning_again(
        self, language: str
    ) -> None:
        calm, idle, again = (amount(row[1]) for row in rows("demo", language, "drill"))
        assert calm < again <= idle

    def test_what_the_headline_says_is_what_the_tables_say(self, language: str) -> None:
        plan, today = (amount(row[1]) for row in (rows("demo", language, "alternatives")[k] for k in (-1, 0)))
        headline = re.search(r'class="headline">([^<]+)', written("demo", language))
        assert headline is not None
        figures = re.findall(r"\d[\d.,]*\d", headline[1])
        assert [re.sub(r"\D", "", figure) for figure in figures] == [
            str(round(plan)),
            str(round(today - plan)),
        ]

    def test_a_figure_and_its_currency_stay_on_one_line(self, language: str) -> None:
        texts = read("demo", language).text
        assert any("€" in text for text in texts)
        assert [text for text in texts if re.search(r"\d [€$]", text)] == []

    def test_moves_are_told_with_the_time_in_which_they_must_pay(self, language: str) -> None:
        text = " ".join(read("demo", language).text)
        assert re.search(r"\b6 (months|Monaten)\b", text)
        assert demo().intent.settings.payback == 6

    def test_both_languages_have_the_same_figures(self, language: str) -> None:
        for section in ("decisions", "alternatives", "by_part", "breakeven", "drill", "moves", "use_cases"):
            ours, others = rows("demo", language, section), rows("demo", "en", section)
            for mine, theirs in zip(ours, others, strict=True):
                for a, b in zip(mine, theirs, strict=True):
                    if re.search(r"[€$]", b):
                        assert amount(a) == amount(b)


@pytest.mark.parametrize("language", LANGUAGES)
class TestSources:
    def test_each_row_has_value_source_and_date(self, language: str) -> None:
        table = rows("demo", language, "sources")
        assert len(table) >= 15
        for figure, value, source, as_of in table:
            assert figure
            assert re.search(r"\d", value)
            assert len(source) > 5
            assert re.fullmatch(r"\d{4}(-\d{2}-\d{2})?", as_of), as_of

    def test_every_pool_and_every_site_has_its_prices(self, language: str) -> None:
        named = [row[0] for row in rows("demo", language, "sources")]
        for name, site in demo().intent.sites.items():
            for pool in site.pools:
                assert f"{name}/{pool}" in named
            assert name in named, "at least the emissions of its grid"

    def test_a_price_from_the_facts_has_the_source_of_the_fact(self, language: str) -> None:
        fact = load_facts().price("aws/us-east-1/g6.xlarge")
        assert fact is not None
        row = next(row for row in rows("demo", language, "sources") if row[0] == "public-cloud/gpu")
        assert row[1:] == [f"{fact.per_hour} {fact.currency}/h", fact.source, fact.as_of]

    def test_what_is_owned_is_told_with_its_life_and_upkeep(self, language: str) -> None:
        page = unescape(written("demo", language))
        rack = demo().intent.sites["clinic-dc"].pools["old-rack"].price
        assert isinstance(rack, Owned)
        row = re.search(r"clinic-dc/old-rack<small>.*?</tr>", page, re.DOTALL)
        assert row is not None
        for figure in ("96 ", "2900 EUR/", "420 W", "1,900 W" if language == "en" else "1.900 W"):
            assert figure in row[0], figure
        assert (rack.life, rack.idle, rack.busy) == (96, 420, 1900)

    def test_what_nobody_said_is_called_an_assumption(self, language: str) -> None:
        words = TEXTS[language]
        assumption = words["assumed_by"].format(version=demo().decided.plan.provenance.situs)
        table = {row[0]: row for row in rows("demo", language, "sources")}
        assert table[words["people"]][1:3] == ["2 h × 75 EUR/h", assumption]
        assert table[words["discount_rate"]][2] == assumption
        said = demo().intent.model_copy(
            update={"settings": demo().intent.settings.model_validate(
                {"at": demo().decided.plan.at, "currency": "EUR", "staff_rate": "80 EUR/h"}
            )}
        )  # fmt: skip
        page = Decision(said, demo().decided).page(language)
        assert re.search(
            r"2 h × 80 EUR/h</span></td>\s*<td[^>]*><span>" + words["the_estate"].split("'")[0], page
        )

    def test_links_use_cases_and_power_have_theirs(self, language: str) -> None:
        table = {row[0]: row for row in rows("demo", language, "sources")}
        assert table["* → *"][1] == "0 EUR/GB"
        assert table["diagnosis"][1].startswith("18000 EUR/")
        assert "Cloud Carbon Footprint" in table[TEXTS[language]["rented_power"]][2]

    @pytest.mark.slow
    def test_none_is_left_out_however_many_there_are(self, language: str) -> None:
        named = {row[0] for row in rows("crowded", language, "sources")}
        assert len(named) > 40
        assert set(crowded().intent.sites) <= named

    def test_currencies_and_groups_of_countries_have_theirs(self, language: str) -> None:
        table = {row[0]: row for row in rows("demo", language, "sources")}
        assert "European Central Bank" in table["USD"][2]
        assert "27" in table["EU"][1]

    def test_every_catalogue_is_there_with_its_version(self, language: str) -> None:
        shown = dict(map(tuple, rows("demo", language, "sources", 1)))
        assert shown == dict(demo().decided.plan.provenance.facts)

    def test_plan_and_estate_can_be_found_again(self, language: str) -> None:
        plan = demo().decided.plan
        text = " ".join(read("demo", language).text)
        assert plan.id in text
        assert plan.provenance.solver in text


class TestBars:
    def test_what_does_not_fit_in_one_line_stands_in_two_and_nothing_moves_over_it(self) -> None:
        way = Bar(TEXTS["de"]["cheapest-per-service"], 2.0, "2 €", TEXTS["de"]["without"].format(n=2, all=7))
        plain = Bar("Plan", 1.0, "1 €", hot=True)
        for wide, lines in ((DESK, 1), (PHONE, 2)):
            drawn = bars([way, plain], "ways", wide)
            assert "…" not in drawn
            names = [(float(y), words) for y, words in re.findall(r'y="([\d.]+)" class="\w+">([^<]+)', drawn)]
            above = [y for y, words in names if words in (way.name, way.note, f"{way.name} — {way.note}")]
            tops = [float(y) for y in re.findall(r'<rect x="0" y="([\d.]+)"', drawn)]
            assert len(above) == lines
            assert all(y < tops[0] for y in above)
            assert tops[0] + 20 < next(y for y, words in names if words == "Plan") < tops[1]


class TestWords:
    def test_both_languages_have_all_words_with_the_same_places_to_fill(self) -> None:
        for words in (TEXTS, EVIDENCE):
            assert words["en"].keys() == words["de"].keys()
            for key, text in words["en"].items():
                assert _places(text) == _places(words["de"][key]), key

    def test_evidence_has_words_for_all_that_the_posture_says(self) -> None:
        assert EVIDENCE["en"].keys() == POSTURE_EVIDENCE.keys()
        for key, text in POSTURE_EVIDENCE.items():
            assert _places(text) == _places(EVIDENCE["de"][key]), key

    def test_every_built_in_rule_has_a_german_title(self) -> None:
        rules = demo().decided.candidates.world.policy.rules
        builtin = {rule.id for rule in rules if rule.builtin}
        assert builtin == RULES["de"].keys()

    def test_german_is_german(self) -> None:
        """Names, sources and anchors of the estate stay as they were written."""
        page = re.sub(r"<(style|svg).*?</\1>", " ", written("demo", "de"), flags=re.DOTALL)
        text = " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
        for word in sorted(_estate_words(), key=len, reverse=True):
            text = text.replace(word, "~")
        found = re.findall(
            r"\b(?:the|of|and|costs?|month|from|rules?|price|bill|plans?|not|left|with)\b", text
        )
        assert found == []

    def test_long_titles_are_cut_in_pictures_and_whole_in_tables(self) -> None:
        page = written("overlong", "en")
        pictures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
        names = re.findall(r'class="name">([^<]*)', pictures[0])
        assert any(name.endswith("…") for name in names)
        assert all(len(name) < 40 for name in names)
        titles = {workload.title for workload in overlong().intent.workloads.values()}
        assert titles == {LONG * 2}
        assert LONG * 2 in page


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def _estate_words() -> set[str]:
    intent = demo().intent
    words = {site.title or "" for site in intent.sites.values()}
    words |= {rule.title for rule in intent.rules.values()} | {
        use.title or "" for use in intent.use_cases.values()
    }
    words |= {row[2] for row in rows("demo", "en", "sources")} | {
        "USD/GB-month",
        demo().decided.plan.provenance.solver,
    }
    words |= {fact.source for fact in load_facts().prices()}
    words |= {w.title or "" for w in intent.workloads.values()}
    return {word for word in words if word}
