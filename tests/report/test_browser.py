"""The report in a real browser: at a desk, on a phone, on paper."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.report.pages import LANGUAGES, save

pytestmark = pytest.mark.browser

DESK, PHONE = 1280, 390
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium; without one this fails, since what nobody has looked at is not shown to work."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    assert path is not None, "no Chromium is installed; on Debian: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Opened:
    """A page with all that it complained about and asked for."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(path.as_uri())


@pytest.fixture(params=[DESK, PHONE])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(params=["demo", "overlong", "crowded"])
def which(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("language", LANGUAGES)
class TestScreen:
    @pytest.fixture
    def opened(
        self, browser: Browser, tmp_path: Path, which: str, language: str, width: int
    ) -> Iterator[Opened]:
        page = browser.new_page(viewport={"width": width, "height": 900})
        yield Opened(page, save(tmp_path, which, language))
        page.close()

    def test_it_fits_and_nothing_complains(self, opened: Opened, width: int) -> None:
        page = opened.page
        assert opened.complaints == []
        assert [url for url in opened.requests if not url.startswith("file:")] == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        # Also inside: nothing scrolls sideways, and nothing is cut off at the right.
        beyond = page.evaluate(
            """() => [...document.querySelectorAll('main *')]
                .filter(e => e.getClientRects().length && !e.closest('thead'))
                .filter(e => e.getBoundingClientRect().right > window.innerWidth + 0.5)
                .map(e => e.tagName + ' ' + e.textContent.slice(0, 60))"""
        )
        assert beyond == []

    def test_words_in_pictures_stay_in_their_boxes_and_off_each_other(self, opened: Opened) -> None:
        """Measured with the letters that the browser really drew."""
        faults = opened.page.evaluate(
            """() => {
                const faults = [];
                for (const svg of document.querySelectorAll('svg')) {
                    const frame = svg.getBoundingClientRect();
                    if (!frame.width) continue;
                    const boxes = [...svg.querySelectorAll('rect.box')].map(r => r.getBoundingClientRect());
                    const texts = [...svg.querySelectorAll('text')]
                        .map(t => [t.textContent, t.getBoundingClientRect()]);
                    for (const [words, t] of texts) {
                        if (t.right > frame.right + 1 || t.left < frame.left - 1) faults.push('outside: ' + words);
                        const box = boxes.find(b =>
                            t.left > b.left && t.left < b.right && t.top > b.top - 2 && t.top < b.bottom);
                        if (box && (t.right > box.right - 2 || t.bottom > box.bottom))
                            faults.push('over its box: ' + words);
                    }
                    for (let i = 0; i < texts.length; i++) for (let j = i + 1; j < texts.length; j++) {
                        const [a, p] = texts[i], [b, q] = texts[j];
                        const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left);
                        const tall = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
                        if (wide > 1 && tall > 4) faults.push('on each other: ' + a + ' / ' + b);
                    }
                }
                return faults;
            }"""
        )
        assert faults == []

    def test_flows_do_not_run_behind_boxes(self, opened: Opened) -> None:
        """They would seem to come from what they only pass."""
        behind = opened.page.evaluate(
            """() => {
                const found = new Set();
                for (const svg of document.querySelectorAll('svg')) {
                    if (!svg.getClientRects().length) continue;
                    const boxes = [...svg.querySelectorAll('rect.box')].map(r => r.getBBox());
                    for (const path of svg.querySelectorAll('path.flow')) {
                        for (let at = 0; at < path.getTotalLength(); at += 3) {
                            const p = path.getPointAtLength(at);
                            if (boxes.some(b => p.x > b.x + 3 && p.x < b.x + b.width - 3
                                             && p.y > b.y + 3 && p.y < b.y + b.height - 3))
                                found.add(path.textContent);
                        }
                    }
                }
                return [...found];
            }"""
        )
        assert behind == []

    def test_it_can_be_read(self, opened: Opened, width: int) -> None:
        """No letter is smaller than ten pixels, also in pictures that were shrunk."""
        small = opened.page.evaluate(
            """() => [...document.querySelectorAll('main *')].filter(e => e.getClientRects().length)
                .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
                .map(e => {
                    const svg = e.closest('svg');
                    const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
                    return [parseFloat(getComputedStyle(e).fontSize) * scale, e.textContent.slice(0, 40)];
                }).filter(([size]) => size < 10)"""
        )
        assert small == []

    def test_each_picture_is_shown_once(self, opened: Opened) -> None:
        shown = opened.page.evaluate(
            """() => [...document.querySelectorAll('figure')]
                .map(f => [...f.querySelectorAll('svg')].filter(s => s.getClientRects().length).length)"""
        )
        assert len(shown) == 3
        assert set(shown) == {1}


@pytest.mark.parametrize("language", LANGUAGES)
class TestPaper:
    @pytest.fixture
    def paper(self, browser: Browser, tmp_path: Path, language: str) -> Iterator[Page]:
        page = browser.new_page()
        page.goto(save(tmp_path, "demo", language).as_uri())
        page.emulate_media(media="print")
        yield page
        page.close()

    def test_it_prints_on_a_few_pages_of_a4(self, paper: Page) -> None:
        pdf = paper.pdf(prefer_css_page_size=True)
        assert pdf.startswith(b"%PDF-")
        pages = re.findall(rb"/Type\s*/Page\b(?!s)", pdf)
        assert 3 <= len(pages) <= 10
        boxes = {tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox\s*\[([^\]]*)\]", pdf)}
        ((left, bottom, right, top),) = boxes
        assert (left, bottom) == (0, 0)
        assert (right, top) == (pytest.approx(595, abs=1.5), pytest.approx(842, abs=1.5))

    def test_nothing_is_hidden_on_paper(self, paper: Page) -> None:
        """All sections, and the pictures for a desk."""
        hidden = paper.evaluate(
            """() => [...document.querySelectorAll('section, table, .wide svg')]
                .filter(e => !e.getClientRects().length).map(e => e.tagName + e.id)"""
        )
        assert hidden == []

    @pytest.mark.parametrize("which", ["demo", "crowded"])
    def test_the_row_of_figures_is_full(
        self, browser: Browser, tmp_path: Path, language: str, which: str
    ) -> None:
        """With what today costs or, where not all of the work runs today, without."""
        page = browser.new_page()
        page.goto(save(tmp_path, which, language).as_uri())
        page.emulate_media(media="print")
        row, last, count = page.evaluate(
            """() => [document.querySelector('.figures').getBoundingClientRect().right,
                      document.querySelector('.figures div:last-child').getBoundingClientRect().right,
                      document.querySelectorAll('.figures div').length]"""
        )
        page.close()
        assert count == (5 if which == "demo" else 4)
        assert row - last < 3
