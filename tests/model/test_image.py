"""What may name a container image, and what is said of what cannot."""

from __future__ import annotations

import pytest

from situs.intent import loads
from situs.model.error import InputError
from situs.model.image import LONGEST, image

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    "text",
    [
        "debian", "debian:12", "team/tool", "registry.example/team/tool:1.2-rc_1", "localhost:5000/tool",
        "10.0.0.1:5000/a/b/c", "[fd00::1]:5000/tool", f"debian@{DIGEST}", f"registry.example/tool:1@{DIGEST}",
        f"tool@sha512:{'0' * 128}", "a.b_c__d---e", "x" * LONGEST, "t:" + "v" * 128,
    ],
)  # fmt: skip
def test_what_registries_know_is_kept_as_it_is_written(text: str) -> None:
    assert image(text) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("docker://debian", "leave out docker://"), ("Team/Tool:1", "lower case"), ("tool@sha256:12", "64 digits"),
        ("tool@latest", "64 digits"), ("", "write it as"), ("a b", "write it as"), ("tool:", "write it as"),
        ("-tool", "write it as"), ("a//b", "write it as"), ("../tool", "write it as"), ("tool\n", "write it as"),
        ("t:" + "v" * 129, "write it as"), ("x" * (LONGEST + 1), "write it as"), ("a:1:2", "write it as"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="cannot name an image") as caught:
        image(text)
    assert said in str(caught.value)


def test_an_estate_is_told_where_it_stands() -> None:
    text = (
        "workloads:\n  train:\n    stage: train\n    job: {work: 1h}\n"
        "    run:\n      command: [python, train.py]\n      image: docker://team/tool\n"
    )
    with pytest.raises(InputError) as caught:
        loads(text, "work.yaml")
    (problem,) = caught.value.problems
    assert str(problem.at).startswith("work.yaml:7:"), problem.at
    assert "leave out docker://" in str(problem)
