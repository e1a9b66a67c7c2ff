"""The examples in the documentation, run: what a page shows is what happens.

A page's fenced blocks are worked off from top to bottom in one fresh folder that holds ``examples/``:

=========  =====================================================================================
console    lines with ``$`` are run, the lines below them are the expected output; ``...`` stands for
           anything. ``exit=2`` in the block's first line is the exit code of its last command.
yaml       a piece of an estate: valid on top of the example estate, or not, where it says ``wrong``;
           ``manifest`` is YAML of somebody else
python     executed; all of a page share one namespace. ``script``: for the commands that follow
any        ``file=NAME`` writes the block there, for the commands that follow; a YAML file must then make
           its folder a valid estate
=========  =====================================================================================
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from situs.intent import load, loads
from situs.model.error import InputError
from situs.planner.analysis.changes import with_more

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = Path("examples/clinic-group")
_FENCE = re.compile(r"^```(\w+)?[ ]*(.*)$")
_HASH = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str
    attributes: dict[str, str]
    lines: tuple[str, ...]
    first: int
    """index in the page's lines of the first line inside the fence"""

    @property
    def text(self) -> str:
        """What stands between the fences."""
        return "\n".join(self.lines) + "\n"


@dataclass
class Outcome:
    """What came of a page: the problems found, and its text with the outputs as they really are."""

    problems: list[str] = field(default_factory=list)
    text: str = ""


def pages() -> list[Path]:
    """All pages that people write; what is generated has its examples in the code."""
    found = [*ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    return sorted(path for path in found if path.exists() and "reference" not in path.parts)


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a page."""
    lines = text.split("\n")
    start = None
    language, attributes = "", {}
    for index, line in enumerate(lines):
        fence = _FENCE.match(line)
        if start is None and fence:
            start, language = index + 1, fence[1] or ""
            attributes = {
                name: value for name, _, value in (part.partition("=") for part in fence[2].split())
            }
        elif start is not None and line.rstrip() == "```":
            yield Block(language, attributes, tuple(lines[start:index]), start)
            start = None


def run_page(page: Path, folder: Path) -> Outcome:
    """Work off a page in a folder that nothing else uses."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns(".*"))
    text = page.read_text(encoding="utf-8")
    lines = text.split("\n")
    outcome = Outcome()
    environment = _environment(page, folder)
    namespace: dict[str, Any] = {}
    shift = 0
    for block in blocks(text):
        where = f"{page.relative_to(ROOT) if page.is_relative_to(ROOT) else page.name}:{block.first}"
        if block.language == "console":
            shown = _console(block, folder, environment, where, outcome)
            lines[block.first + shift : block.first + shift + len(block.lines)] = shown
            shift += len(shown) - len(block.lines)
            continue
        if "file" in block.attributes:
            target = folder / block.attributes["file"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")
        if block.language == "yaml":
            _yaml(block, folder, where, outcome)
        elif block.language == "python" and "script" not in block.attributes:
            _python(block, folder, namespace, where, outcome)
    outcome.text = "\n".join(lines)
    return outcome


def _environment(page: Path, folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "SYSTEMROOT") if name in os.environ}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "COLUMNS": "100",
        "SITUS_LANG": "de" if page.name.endswith(".de.md") else "en",
        "NO_COLOR": "1",
    }


def _console(
    block: Block, folder: Path, environment: dict[str, str], where: str, outcome: Outcome
) -> list[str]:
    """Run the block's commands; gives its lines with the output that really came."""
    shown: list[str] = []
    commands = list(_commands(block.lines))
    for number, (command, expected) in enumerate(commands):
        shown.extend(command)
        line = " ".join(part.removeprefix("$ ").removeprefix("> ").rstrip("\\") for part in command)
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            environment[name] = value.strip()
            continue
        done = subprocess.run(
            ["bash", "-c", line], cwd=folder, env=environment, text=True, timeout=300, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        code = int(block.attributes.get("exit", "0")) if number == len(commands) - 1 else 0
        if done.returncode != code:
            outcome.problems.append(
                f"{where}: `{line}` ended with {done.returncode}, not {code}:\n{done.stdout}"
            )
            shown.extend(expected)
            continue
        actual = [text.rstrip() for text in done.stdout.rstrip("\n").split("\n")] if done.stdout else []
        if matches(expected, actual):
            shown.extend(expected)
        else:
            outcome.problems.append(f"{where}: `{line}` shows something else:\n{done.stdout}")
            shown.extend(_HASH.sub("sha256:...", text) for text in actual)
    return shown


def _commands(lines: tuple[str, ...]) -> Iterator[tuple[list[str], list[str]]]:
    """Each command's lines with the output lines below it."""
    command: list[str] = []
    output: list[str] = []
    for line in lines:
        if line.startswith("$ "):
            if command:
                yield command, output
            command, output = [line], []
        elif line.startswith("> ") and command and command[-1].endswith("\\"):
            command.append(line)
        else:
            output.append(line.rstrip())
    if command:
        yield command, output


def matches(expected: list[str], actual: list[str]) -> bool:
    """Whether the output is as shown: ``...`` stands for any text, on a line of its own for any lines."""
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*?"
        else:
            pattern += re.escape(line).replace(r"\.\.\.", r"[^\n]*?") + r"\n"
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in actual)) is not None


def _yaml(block: Block, folder: Path, where: str, outcome: Outcome) -> None:
    if "manifest" in block.attributes:
        if not [document for document in yaml.safe_load_all(block.text) if document]:
            outcome.problems.append(f"{where}: the manifest is empty")
        return
    try:
        if "file" in block.attributes:
            load((folder / block.attributes["file"]).parent)
        else:
            _on_top(block.text, folder)
    except InputError as error:
        if "wrong" not in block.attributes:
            outcome.problems.append(f"{where}: {error}")
    else:
        if "wrong" in block.attributes:
            outcome.problems.append(f"{where}: it should be wrong, but it is a valid estate")


def _on_top(text: str, folder: Path) -> None:
    """A piece of an estate must be valid alone, or as a further file of the example."""
    try:
        with_more(load(folder / EXAMPLE).intent, loads(text).intent)
    except InputError:
        extra = folder / EXAMPLE / "piece-of-the-page.yaml"
        extra.write_text(text, encoding="utf-8")
        try:
            load(folder / EXAMPLE)
        finally:
            extra.unlink()


def _python(block: Block, folder: Path, namespace: dict[str, Any], where: str, outcome: Outcome) -> None:
    try:
        with chdir(folder):
            exec(compile(block.text, where, "exec"), namespace)
    except Exception as error:
        outcome.problems.append(f"{where}: {type(error).__name__}: {error}")
