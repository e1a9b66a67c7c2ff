"""Which control plane is meant: typed before the environment before what was kept, and never a guess."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from situs.client.choosing import Said, chosen, fresh
from situs.client.servers import Server, Servers, address_of, name_of
from situs.model.error import InputError, SitusError

PROD = Server("prod", "https://situs.example.org", "situs_a")
LAB = Server("lab", "https://lab.example.org:8420", "situs_b")


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Servers:
    monkeypatch.delenv("SITUS_TOKEN", raising=False)
    made = Servers(tmp_path / "settings")
    made.keep(PROD)
    made.keep(LAB)
    made.make_usual("lab")
    return made


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (Said(), LAB),
        (Said("prod", "environment"), PROD),
        (Said("prod", "typed"), PROD),
        (Said("https://SITUS.example.org/", "typed"), PROD),
        (Said("https://situs.example.org/v1", "environment"), PROD),
        (Said("local", "typed"), None),
        (Said("local", "environment"), None),
        (Said(folder=True), None),
        (Said("prod", "environment", folder=True), PROD),
        (Said(database_by="environment"), None),
        (Said("prod", "environment", database_by="typed"), None),
        (Said("prod", "typed", database_by="environment"), PROD),
        (Said("local", "typed", database_by="environment"), None),
    ],
    ids=str,
)
def test_typed_counts_before_the_environment_before_what_was_kept(
    servers: Servers, said: Said, wanted: Server | None
) -> None:
    assert chosen(servers, said) == wanted


@pytest.mark.parametrize(
    ("source", "words"), [("typed", "--server and --db"), ("environment", "SITUS_SERVER and")]
)
def test_two_that_count_alike_are_refused(servers: Servers, source: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        chosen(servers, Said("prod", source, source))  # type: ignore[arg-type]


def test_nobody_is_asked_where_nobody_has_logged_in(servers: Servers, tmp_path: Path) -> None:
    assert chosen(Servers(tmp_path / "empty"), Said()) is None
    with pytest.raises(InputError, match="take one of lab, prod"):
        chosen(servers, Said("prd", "typed"))
    with pytest.raises(InputError, match="`situs login https://other"):
        chosen(servers, Said("https://other.example.org", "typed"))


def test_a_token_of_the_environment_counts_before_the_one_that_was_kept(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITUS_TOKEN", "situs_c\n")
    for text in ("prod", "https://other.example.org"):
        found = chosen(servers, Said(text, "typed"))
        assert found is not None
        assert found.token == "situs_c"
    with pytest.raises(InputError, match="nobody has logged in"):
        chosen(servers, Said("unknown", "typed"))


def test_what_is_kept_is_its_owners_alone(servers: Servers, tmp_path: Path) -> None:
    folder = tmp_path / "settings" / "servers"
    kept = folder / "prod.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name for path in folder.iterdir()} == {"prod.json", "lab.json"}, (
        "nothing half written is left"
    )
    assert "situs_a" not in repr(servers.find("prod"))
    kept.chmod(0o640)
    with pytest.raises(SitusError, match="others may read"):
        servers.find("prod")


@pytest.mark.parametrize("content", ["", "[]", '{"url": "https://x"}', "{"])
def test_what_is_broken_is_said(servers: Servers, tmp_path: Path, content: str) -> None:
    kept = tmp_path / "settings" / "servers" / "prod.json"
    kept.write_text(content)
    with pytest.raises(SitusError, match="log in again"):
        servers.find("prod")


@pytest.mark.parametrize("name", ["../x", ".x", "", "a/b", "local", "x" * 101])
def test_a_name_is_no_way_out_of_the_folder(servers: Servers, name: str) -> None:
    with pytest.raises(InputError):
        servers.keep(Server(name, "https://x", "t"))


def test_what_is_forgotten_is_not_asked_any_more(servers: Servers) -> None:
    assert servers.forget("lab")
    assert not servers.forget("lab")
    assert chosen(servers, Said()) is None


@pytest.mark.parametrize(
    "text",
    [
        "http://situs.example.org",
        "http://10.0.0.1",
        "ftp://x",
        "https://",
        "https://u:p@x",
        "https://x:y",
        "https://x?a",
    ],
)
def test_an_address_that_would_give_a_token_away_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        address_of(text)


def test_a_server_is_called_after_its_address() -> None:
    assert name_of("https://situs.example.org") == "situs.example.org"
    assert name_of(address_of("http://127.0.0.1:8420/v1/")) == "127.0.0.1-8420"


def test_a_login_that_is_over_is_said(servers: Servers) -> None:
    over = Server("old", "https://x.example.org", "t", until_s=1.0)
    servers.keep(over)
    with pytest.raises(SitusError, match="`situs login https://x"):
        fresh(servers, over)
