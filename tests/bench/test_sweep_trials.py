"""Both sides of the benchmark of sweeps are to try the very same parameters."""

from __future__ import annotations

from bench.sweeps.trials import ALSO, DRAWN, options, parameters
from situs.control.sweeps.drawing import drawn, pairs


def test_what_the_peer_is_told_is_what_the_command_draws() -> None:
    words = options(12, 5, learned=False)
    given = [words[k + 1] for k, word in enumerate(words) if word == "--draw"]
    said = {word: words[k + 1] for k, word in enumerate(words) if word in ("--trials", "--seed")}
    there = drawn(pairs(given, "--draw"), {}, int(said["--trials"]), "random", int(said["--seed"]))
    assert there == parameters(12, 5)
    assert [f"{{{name}}}" for name in there[0]] == list(ALSO[:-1]) == [f"{{{name}}}" for name in DRAWN]
