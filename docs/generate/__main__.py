"""``make docs``: renew what is generated, and the outputs below the examples."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from docs.generate import ROOT, reference
from docs.generate.examples import pages, run_page
from docs.generate.notebook import NOTEBOOK, executed


def main() -> int:
    """Exit code 1 when an example fails for another reason than its output."""
    for path, text in reference().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    with tempfile.TemporaryDirectory() as folder:
        NOTEBOOK.write_text(executed(Path(folder)), encoding="utf-8")
    print(NOTEBOOK.relative_to(ROOT))
    wrong = 0
    for page in pages():
        with tempfile.TemporaryDirectory() as folder:
            outcome = run_page(page, Path(folder))
        if outcome.text != page.read_text(encoding="utf-8"):
            page.write_text(outcome.text, encoding="utf-8")
        print(page.relative_to(ROOT))
        for problem in outcome.problems:
            if " shows something else:" not in problem:
                wrong += 1
                print(problem, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
