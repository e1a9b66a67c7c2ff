"""From the estate to an adapter: kinds, their options, and what is said when one is wrong."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from situs.intent import loads
from situs.model.error import InputError
from situs.model.estate import Adapter, Site
from situs.sites import registry
from situs.sites.container.site import ContainerSite
from situs.sites.local import LocalSite
from situs.sites.slurm.site import SlurmSite
from situs.sites.ssh import SshSite

THIRD = registry.Kind(
    {"shelf": registry.Option("which shelf", int)}, lambda name, options, folder: LocalSite(folder)
)


def site(kind: str, **options: str) -> Site:
    return Site(kind="on_prem", country="DE", adapter=Adapter(kind=kind, options=options))


def said(kind: str, **options: str) -> str:
    with pytest.raises(InputError) as caught:
        registry.opened("here", site(kind, **options), Path("/nowhere"))
    return str(caught.value)


def test_each_kind_of_ours_is_opened_without_touching_what_is_remote(tmp_path: Path) -> None:
    assert isinstance(
        registry.opened(
            "e", site("container", mounts="/a:/b, /c:/d:ro", accelerators="H100:4, A30:2"), tmp_path
        ),
        ContainerSite,
    )
    assert isinstance(registry.opened("a", site("local"), tmp_path), LocalSite)
    assert isinstance(registry.opened("b", site("ssh", host="me@no-such-host:22"), tmp_path), SshSite)
    assert isinstance(
        registry.opened("c", site("ssh", hosts="one, two", slots="4", jump="gate"), tmp_path), SshSite
    )
    assert isinstance(
        registry.opened("d", site("slurm", folder="/shared/situs", host="login"), tmp_path), SlurmSite
    )


def test_pools_that_are_simulated_stand_for_accelerators(tmp_path: Path) -> None:
    gpus = {
        "node": {"cpu": 8, "memory": "32GiB", "accelerators": 2}, "accelerator": "H100", "count": 3,
        "price": {"basis": "owned", "price": "0 EUR"},
    }  # fmt: skip
    for pools, found in (({"a": {**gpus, "simulated": True}}, {"H100": 6}), ({"a": gpus}, {})):
        lab = {"kind": "on_prem", "country": "DE", "adapter": {"kind": "local"}, "pools": pools}
        made = loads(json.dumps({"sites": {"lab": lab}})).intent.sites["lab"]
        there = registry.opened("lab", made, tmp_path).inventory().accelerators
        assert {model: there[model] for model in there if model == "H100"} == found


@pytest.mark.parametrize(
    ("kind", "options", "what"),
    [
        ("shh", {}, "did you mean ssh?"),
        ("quantum", {}, "there are cloud, container, kubernetes, local"),
        ("ssh", {}, "either host or hosts"),
        ("container", {"accelerators": "H100"}, "not written as MODEL:COUNT"),
        ("container", {"accelerators": "H100:0"}, "not written as MODEL:COUNT"),
        ("ssh", {"host": "a", "hosts": "b"}, "either host or hosts"),
        ("ssh", {"hots": "a"}, "did you mean host"),
        ("ssh", {"host": "-oProxyCommand=reboot"}, "is no host"),
        ("ssh", {"host": "a b"}, "is no host"),
        ("ssh", {"hosts": "a,a"}, "twice"),
        ("ssh", {"host": "a", "legacy": "perhaps"}, "neither yes nor no"),
        ("ssh", {"host": "a", "slots": "0"}, "no number"),
        ("ssh", {"host": "a", "identity": "/no/such/key"}, "there is no file"),
        ("ssh", {"host": "a", "sh": "/bin/sh -x; reboot"}, "absolute path"),
        ("slurm", {}, "need the option folder"),
        ("slurm", {"folder": "/s", "dependency": "singleton"}, "names no jobs to wait for"),
        ("slurm", {"folder": "/s", "dependency": "afterok:1,afterany:2?after:3"}, "afterok:4711"),
        (
            "slurm",
            {"folder": "/s", "address": "http://slurm.example:6820", "token": "file:t"},
            "https://slurm",
        ),
        ("slurm", {"folder": "/s", "address": "https://slurm.example"}, "give where it is kept"),
        ("slurm", {"folder": "/s", "token": "file:t", "user": "ann"}, "only with the address"),
        ("slurm", {"folder": "/s", "token": "sesame", "address": "https://slurm.example"}, "file:NAME"),
        (
            "slurm",
            {
                "folder": "/s",
                "token": "file:t",
                "address": "https://s.example",
                "host": "login",
                "mount": "/m",
            },
            "either host",
        ),
        ("container", {"pull": "often"}, "is none of"),
        ("local", {"fodler": "x"}, "did you mean folder?"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(
    kind: str, options: dict[str, str], what: str
) -> None:
    assert what in said(kind, **options)


def test_a_third_party_adds_a_kind_but_takes_none_of_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    points = [
        EntryPoint("shelf", "tests.sites.test_registry:THIRD", registry.GROUP),
        EntryPoint("ssh", "tests.sites.test_registry:THIRD", registry.GROUP),
        EntryPoint("torn", "tests.no_such_module:KIND", registry.GROUP),
        EntryPoint("wrong", "tests.sites.test_registry:said", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == registry.GROUP else [])
    assert isinstance(registry.opened("a", site("shelf", shelf="3"), tmp_path), LocalSite)
    assert isinstance(registry.opened("b", site("ssh", host="x"), tmp_path), SshSite)
    assert "option shelf" in said("shelf", shelf="three")
    assert "cannot be loaded" in said("torn")
    assert "gives no situs.sites.registry.Kind" in said("wrong")


def test_validation_tells_where_a_wrong_option_stands(tmp_path: Path) -> None:
    text = """sites:
  cellar:
    kind: on_prem
    country: DE
    adapter:
      kind: ssh
      options:
        host: cellar-1
        slot: "4"
  attic: {kind: on_prem, country: DE, adapter: {kind: shh}}
  sky: {kind: public, country: DE, adapter: {kind: someday}}
"""
    loaded = loads(text, "estate.yaml")
    with pytest.raises(InputError) as caught:
        registry.check_adapters(loaded.intent, loaded.position)
    assert sorted(str(problem).split(": ")[0] for problem in caught.value.problems) == [
        "estate.yaml:10:49",
        "estate.yaml:9:9",
    ]
    assert "did you mean slots?" in str(caught.value)
