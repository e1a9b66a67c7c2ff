"""Help that helps: each command has examples that work, wrong words are guessed, shells complete."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from situs.cli.main import app
from tests.cli.conftest import Call

ROOT: Any = typer.main.get_command(app)


def commands(command: Any = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of all commands that do something."""
    for name, sub in getattr(command, "commands", {}).items():
        if hasattr(sub, "commands"):
            yield from commands(sub, (*path, name))
        else:
            yield (*path, name)


def command(path: tuple[str, ...]) -> Any:
    """The command at a path."""
    found = ROOT
    for name in path:
        found = found.commands[name]
    return found


def examples(path: tuple[str, ...]) -> list[list[str]]:
    """The examples in the help of a command, as words."""
    _, _, text = (command(path).help or "").partition("Examples:")
    return [shlex.split(line.strip()) for line in text.splitlines() if line.strip().startswith("situs ")]


def in_shell(shell: str, script: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A script in a shell that finds the installed ``situs``."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    if home is not None:
        environment["HOME"] = str(home)
    return subprocess.run(
        [shell, "-c", script], capture_output=True, text=True, check=False, env=environment, timeout=60
    )


ASK_BASH = 'COMP_WORDS=(situs wha); COMP_CWORD=1; _situs_completion situs; echo "${COMPREPLY[@]}"'
"""What bash does at the tab key after ``situs wha``."""

PATHS = sorted(commands())


def test_all_that_is_promised_is_there() -> None:
    promised = (
        "init validate schema plan explain rules pareto breakeven compare whatif posture usecases report demo "
        "replay diff records completion apply rollback up ps status history pause resume drain"
    )
    assert set(promised.split()) <= {path[0] for path in PATHS}
    assert {("db", "upgrade"), ("db", "backup"), ("db", "restore")} <= set(PATHS)
    assert {("facts", "list"), ("facts", "show"), ("facts", "import"), ("facts", "diff")} <= set(PATHS)


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
class TestEachCommand:
    def test_help_says_what_it_does_and_shows_it(self, call: Call, path: tuple[str, ...]) -> None:
        done = call(*path, "--help")
        assert (done.code, done.err) == (0, "")
        assert "Examples:" in done.out
        assert f"situs {' '.join(path)}" in done.out or f"situs --lang de {' '.join(path)}" in done.out
        assert call(*path, "-h").out == done.out

    def test_its_examples_are_of_it_and_their_options_exist(self, path: tuple[str, ...]) -> None:
        shown = examples(path)
        assert shown
        for words in shown:
            rest = words[1:]
            if rest[0] == "--lang":
                rest = rest[2:]
            assert tuple(rest[: len(path)]) == path
            found = command(path)
            context = found.context_class(found, info_name=path[-1])
            found.make_parser(context).parse_args(rest[len(path) :])

    def test_every_option_and_argument_is_explained(self, path: tuple[str, ...]) -> None:
        for parameter in command(path).params:
            assert parameter.name == "help" or getattr(parameter, "help", None), parameter.name

    def test_an_unknown_option_is_an_error_of_the_user(self, call: Call, path: tuple[str, ...]) -> None:
        done = call(*path, "--no-such-thing")
        assert done.code == 2
        assert done.out == ""
        assert "--no-such-thing" in done.err


class TestGuesses:
    @pytest.mark.parametrize(
        ("wrong", "meant"),
        [
            ("plam", "plan"),
            ("explan", "explain"),
            ("whatiff", "whatif"),
            ("reprot", "report"),
            ("imprt", "import"),
        ],
    )
    def test_a_mistyped_command_is_guessed(self, call: Call, wrong: str, meant: str) -> None:
        done = call(wrong)
        assert done.code == 2
        assert re.search(rf"Did you mean .*'{meant}'", done.err)

    def test_a_mistyped_option_is_guessed(self, call: Call) -> None:
        done = call("plan", "--time-limt", "3")
        assert done.code == 2
        assert "--time-limit" in done.err

    def test_without_a_command_the_help_comes(self, call: Call) -> None:
        assert "Commands" in (call().out + call().err)

    def test_the_version_is_that_of_the_package(self, call: Call) -> None:
        from importlib.metadata import version

        assert call("--version").out == f"situs {version('situs')}\n"


class TestCompletion:
    """By the program that is installed, in real shells: below make, in builds and in scripts that is ``sh``."""

    @pytest.mark.parametrize(
        ("shell", "sign"),
        [
            ("bash", "complete -o default -F _situs_completion situs"),
            ("zsh", "#compdef situs"),
            ("fish", "complete --command situs"),
        ],
    )
    def test_the_shell_that_is_named_counts_not_the_one_around(self, shell: str, sign: str) -> None:
        done = in_shell("sh", f"situs completion {shell}; exit $?")
        assert (done.returncode, done.stderr) == (0, "")
        assert sign in done.stdout
        assert f"_SITUS_COMPLETE=complete_{shell}" in done.stdout

    def test_without_a_name_it_is_the_shell_around(self) -> None:
        done = in_shell("bash", "situs completion; exit $?")
        assert (done.returncode, done.stderr) == (0, "")
        assert "complete_bash" in done.stdout

    def test_without_a_name_in_a_shell_that_completes_nothing_the_names_are_told(self) -> None:
        done = in_shell("sh", "situs completion; exit $?")
        assert (done.returncode, done.stdout) == (2, "")
        assert "in sh situs cannot complete; name one of bash, zsh, fish" in done.stderr

    def test_a_name_that_is_none_is_an_error_of_the_user(self) -> None:
        done = in_shell("sh", "situs completion tcsh; exit $?")
        assert (done.returncode, done.stdout) == (2, "")
        for word in ("tcsh", "bash", "zsh", "fish"):
            assert word in done.stderr

    def test_bash_completes_commands_with_what_is_shown(self) -> None:
        done = in_shell("bash", f'eval "$(situs completion bash)"; {ASK_BASH}')
        assert done.stdout.split() == ["whatif"], done.stderr

    def test_bash_completes_commands_with_what_is_installed(self, tmp_path: Path) -> None:
        """Installing twice is installing once."""
        (tmp_path / ".bashrc").write_text("MINE=kept\n", encoding="utf-8")
        once, twice = (in_shell("sh", "situs completion bash --install; exit $?", tmp_path) for _ in range(2))
        assert (once.returncode, twice.returncode, once.stderr) == (0, 0, "")
        assert str(tmp_path) in once.stdout
        assert (tmp_path / ".bashrc").read_text(encoding="utf-8").count("situs") == 1
        done = in_shell("bash", f"source ~/.bashrc; echo $MINE; {ASK_BASH}", tmp_path)
        assert done.stdout.split() == ["kept", "whatif"], done.stderr

    @pytest.mark.parametrize(
        ("shell", "place"), [("zsh", ".zfunc/_situs"), ("fish", ".config/fish/completions/situs.fish")]
    )
    def test_it_is_installed_where_the_shell_that_is_named_looks(
        self, shell: str, place: str, tmp_path: Path
    ) -> None:
        done = in_shell("sh", f"situs completion {shell} --install; exit $?", tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert str(tmp_path / place) in done.stdout
        shown = in_shell("sh", f"situs completion {shell}; exit $?").stdout
        assert (tmp_path / place).read_text(encoding="utf-8").strip() == shown.strip()

    @pytest.mark.parametrize(
        ("line", "wanted"),
        [
            ("situs re", {"records", "replay", "report"}),
            ("situs facts ", {"list", "show", "import", "diff", "versions"}),
            ("situs plan --ti", {"--time-limit"}),
        ],
    )
    def test_words_are_completed(self, line: str, wanted: set[str]) -> None:
        words = line.split(" ")
        done = subprocess.run(
            [sys.executable, "-c", "import sys; sys.argv = ['situs']; from situs.cli.main import run; run()"],
            env={
                **os.environ, "_SITUS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1),
            },
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert wanted <= set(done.stdout.split()), done.stderr
