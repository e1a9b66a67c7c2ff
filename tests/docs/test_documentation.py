"""What the documentation says is so: examples run, references are up to date, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.generate import PICTURES, ROOT, reference
from docs.generate.examples import blocks, matches, pages, run_page
from docs.generate.notebook import NOTEBOOK, executed

LANGUAGES = {"console", "yaml", "python", "csv", "json", "sh", "text"}
PAGES = [str(page.relative_to(ROOT)) for page in pages()]
STALE = "it is not up to date; run `make docs`"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_every_example_runs_and_shows_what_it_shows(page: str, tmp_path: Path) -> None:
    outcome = run_page(ROOT / page, tmp_path)
    assert not outcome.problems, "\n".join(outcome.problems) + f"\n{STALE}"


@pytest.mark.slow
def test_the_reference_and_the_pictures_are_up_to_date() -> None:
    wanted = reference()
    for path, text in wanted.items():
        assert path.read_text(encoding="utf-8") == text, f"{path.relative_to(ROOT)}: {STALE}"
    there = {*ROOT.glob("docs/reference/*.md"), *PICTURES.iterdir()}
    assert there == set(wanted), "a page or picture that nobody makes any more"


@pytest.mark.slow
def test_the_notebook_runs_and_shows_what_it_shows(tmp_path: Path) -> None:
    assert executed(tmp_path) == NOTEBOOK.read_text(encoding="utf-8"), STALE


@pytest.mark.parametrize("page", [*PAGES, "CHANGELOG.md", "SECURITY.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("http://", "https://", "#")):
            assert ((ROOT / page).parent / target.partition("#")[0]).exists(), f"{page}: {target}"


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_of_a_kind_that_is_looked_after(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for block in blocks((ROOT / page).read_text(encoding="utf-8")):
        assert block.language in LANGUAGES, f"{page}:{block.first}"
        if block.language == "sh":
            for line in block.lines:
                made = re.match(r"make ([a-z-]+)", line)
                assert line.startswith("export ") or (made and made[1] in targets), f"{page}: {line}"


def test_the_readmes_are_twins() -> None:
    english, german = (
        [block for block in blocks((ROOT / name).read_text(encoding="utf-8")) if block.language != "sh"]
        for name in ("README.md", "README.de.md")
    )
    assert [block.language for block in english] == [block.language for block in german]
    links = [
        re.findall(r"\]\((docs/[^)]+|bench[^)]+)\)", (ROOT / name).read_text(encoding="utf-8"))
        for name in ("README.md", "README.de.md")
    ]
    assert links[0][1:] == links[1][1:]  # the picture is in another language


def test_three_dots_stand_for_anything_and_nothing_else_does() -> None:
    assert matches(["a", "...", "d"], ["a", "b", "c", "d"])
    assert matches(["a", "...", "d"], ["a", "d"])
    assert matches(["cost ... EUR"], ["cost 12.5 EUR"])
    assert not matches(["a", "...", "d"], ["a", "b"])
    assert not matches(["cost ... EUR"], ["cost 12", "EUR"])
    assert not matches(["a"], ["a", "b"])
    assert not matches(["a.c"], ["abc"])


def test_a_page_that_lies_is_found_out(tmp_path: Path) -> None:
    page = tmp_path / "a-page-that-lies.md"
    lies = {
        "$ echo one\ntwo": "shows something else",
        "$ false": "ended with 1, not 0",
    }
    text = "".join(f"```console\n{lie}\n```\n" for lie in lies)
    text += "```yaml\nsites: {here: {kind: nowhere}}\n```\n"
    text += "```yaml wrong\nlocations: {ward-2: {country: DE}}\n```\n"
    text += "```python\nassert 1 == 2\n```\n"
    page.write_text(text, encoding="utf-8")
    outcome = run_page(page, tmp_path / "folder")
    wanted = [*lies.values(), "kind", "it should be wrong", "AssertionError"]
    assert len(outcome.problems) == len(wanted)
    for problem, words in zip(outcome.problems, wanted, strict=True):
        assert words in problem
    assert "$ echo one\none\n```" in outcome.text
