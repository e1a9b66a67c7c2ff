"""Sites are connected, listed and taken out; shown on real OpenSSH servers and on this machine."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from situs.intent.removing import without
from situs.model.error import InputError
from tests.cli.conftest import Call, Done
from tests.sites.ssh_server import SshServer, access

ESTATE = """\
# Ours, and not to be touched.
links:
  - {from: "*", to: "*", latency: 10ms, bandwidth: 1Gbit/s}
sites:
  attic: # under the roof
    kind: on_prem
    country: DE
    pools: {box: {node: {cpu: 4, memory: 8GiB}, count: 2, price: {basis: owned, price: 100 EUR}}}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "estate.yaml").write_text(ESTATE)
    return folder


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SshServer, SshServer]]:
    folder = tmp_path_factory.mktemp("hosts")
    started = (SshServer(folder / "inner"), SshServer(folder / "jump"))
    yield started
    for server in started:
        server.stop()


def fingerprint(server: SshServer) -> str:
    shown = subprocess.run(
        ["ssh-keygen", "-lf", f"{server.host_key}.pub"], capture_output=True, text=True, check=True
    )
    return shown.stdout.split()[1]


@pytest.fixture
def add(call: Call, home: Path, tmp_path: Path, hosts: tuple[SshServer, SshServer]):  # type: ignore[no-untyped-def]
    """Connect the inner host, which no known_hosts knows."""
    reach = access(tmp_path, *hosts)
    known = tmp_path / "nobody"
    known.touch()

    def added(*more: str, name: str = "ward") -> Done:
        return call(
            "site", "add", name, "--kind", "ssh", "--host", hosts[0].address, "-o", f"known_hosts={known}",
            "-o", f"config={reach.config}", "-o", f"identity={reach.identity}", "--country", "DE", "-C", home, *more,
        )  # fmt: skip

    return added


class TestAdd:
    def test_a_host_is_believed_by_its_fingerprint_asked_and_written_down(
        self, add, call, home, hosts
    ) -> None:  # type: ignore[no-untyped-def]
        done = add("--fingerprint", fingerprint(hosts[0]), "--place", "edge", "--json")
        assert done.code == 0, done.err
        assert done.json["host_keys"] == [{"host": hosts[0].address, "fingerprint": fingerprint(hosts[0])}]
        assert done.json["inventory"]["cpus"] > 0
        assert (home / "estate.yaml").read_text() == ESTATE
        assert call("validate", "-C", home).code == 0
        shown = call("site", "show", "ward", "-C", home, "--json").json["site"]
        assert shown["adapter"]["options"]["host_keys"].startswith(f"{hosts[0].address} ssh-ed25519 ")
        assert shown["kind"] == "edge"
        assert [site["name"] for site in call("site", "list", "-C", home, "--json").json] == ["attic", "ward"]

    def test_what_was_pinned_is_believed_from_then_on_and_nothing_else_is(self, add, home, hosts) -> None:  # type: ignore[no-untyped-def]
        from situs.control.connect import by_kind
        from situs.intent import load

        assert add("--fingerprint", fingerprint(hosts[0])).code == 0
        site = load(home).intent.sites["ward"]
        assert by_kind(home)("ward", site).health().ok
        other = Path(f"{hosts[1].host_key}.pub").read_text().split()[1]
        text = (home / "sites" / "ward.yaml").read_text()
        mine = Path(f"{hosts[0].host_key}.pub").read_text().split()[1]
        assert mine in text
        (home / "sites" / "ward.yaml").write_text(text.replace(mine, other))
        health = by_kind(home)("ward", load(home).intent.sites["ward"]).health()
        assert not health.ok
        assert "not trusted" in str(health.cause)

    def test_an_unknown_host_is_not_talked_to_and_its_key_is_shown(self, add, home, hosts) -> None:  # type: ignore[no-untyped-def]
        let_in = (hosts[0].folder / "log").read_text().count("Accepted")
        done = add()
        assert (done.code, done.out) == (2, "")
        assert f"--fingerprint {fingerprint(hosts[0])}" in done.err
        assert not (home / "sites").exists()
        wrong = add("--fingerprint", "SHA256:" + "A" * 43)
        assert wrong.code == 2
        assert "somebody is in between" in wrong.err
        assert (hosts[0].folder / "log").read_text().count("Accepted") == let_in

    def test_jump_hosts_are_believed_one_by_one(self, add, home, hosts) -> None:  # type: ignore[no-untyped-def]
        inner, jump = map(fingerprint, hosts)
        one = add("-o", f"jump={hosts[1].address}", "--fingerprint", jump)
        assert one.code == 2
        assert inner in one.err
        done = add("-o", f"jump={hosts[1].address}", "--fingerprint", jump, "--fingerprint", inner, "--json")
        assert [key["fingerprint"] for key in done.json["host_keys"]] == [jump, inner]

    def test_a_host_whose_key_has_changed_is_never_pinned(self, add, call, home, hosts, tmp_path) -> None:  # type: ignore[no-untyped-def]
        (tmp_path / "nobody").write_text(hosts[1].known_as(hosts[0].port))
        done = add("--fingerprint", fingerprint(hosts[0]))
        assert done.code == 1
        assert "not trusted" in done.err
        assert not (home / "sites").exists()

    def test_a_dry_run_writes_nothing(self, add, home, hosts) -> None:  # type: ignore[no-untyped-def]
        done = add("--fingerprint", fingerprint(hosts[0]), "--dry-run")
        assert done.code == 0
        assert "host_keys" in done.out
        assert not (home / "sites").exists()
        assert not (home / ".situs").exists()

    def test_this_machine_is_connected_in_german_to_a_folder_without_an_estate(self, call, tmp_path) -> None:  # type: ignore[no-untyped-def]
        empty = tmp_path / "empty"
        empty.mkdir()
        done = call("--lang", "de", "site", "add", "hier", "--kind", "local", "--country", "DE", "-C", empty)
        assert done.code == 0, done.err
        assert "Prozessoren" in done.out
        assert call("validate", "-C", empty).code == 0
        assert call("site", "rm", "hier", "-C", empty).code == 0
        assert call("site", "list", "-C", empty, "--json").json == [], "its link stays"

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["--kind", "sssh"], "did you mean ssh?"),
            (["--kind", "ssh", "-o", "hots=x"], "did you mean hosts?"),
            (["--kind", "ssh", "-o", "host"], "no option with a value"),
            (["--kind", "ssh", "-o", "=x"], "no option with a value"),
            (["--kind", "local", "--country", "Germany"], "not a country code"),
            (["--kind", "ssh", "--host", "a", "-o", "host=b"], "given twice"),
        ],
    )
    def test_what_is_wrong_is_told_and_nothing_written(self, call, home, options, said) -> None:  # type: ignore[no-untyped-def]
        done = call("site", "add", "new", "--country", "DE", *options, "-C", home)
        assert done.code == 2, done.err
        assert said in done.err
        assert not (home / "sites").exists()

    def test_a_name_that_is_there_is_refused(self, call, home) -> None:  # type: ignore[no-untyped-def]
        done = call("site", "add", "attic", "--kind", "local", "--country", "DE", "-C", home)
        assert done.code == 2
        assert "has a site 'attic' already" in done.err

    def test_a_site_that_does_not_answer_is_not_written(self, call, home) -> None:  # type: ignore[no-untyped-def]
        done = call(
            "site",
            "add",
            "e",
            "--kind",
            "container",
            "-o",
            "socket=/nowhere/sock",
            "--country",
            "DE",
            "-C",
            home,
        )
        assert done.code == 1
        assert "/nowhere/sock" in done.err
        assert not (home / "sites").exists()


def test_a_person_is_asked_whether_the_key_is_right(home: Path, tmp_path: Path, hosts) -> None:  # type: ignore[no-untyped-def]
    reach = access(tmp_path, *hosts)
    (tmp_path / "nobody").touch()
    for answer, code in ((b"n\n", 1), (b"y\n", 0)):
        terminal, other_end = pty.openpty()
        process = subprocess.Popen(
            [
                sys.executable, "-m", "situs.cli", "--lang", "en", "site", "add", "ward", "--kind", "ssh",
                "--host", hosts[0].address, "-o", f"known_hosts={tmp_path / 'nobody'}",
                "-o", f"config={reach.config}", "-o", f"identity={reach.identity}", "--country", "DE",
                "-C", str(home),
            ],
            stdin=other_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        os.write(terminal, answer)
        _, said = process.communicate(timeout=60)
        for end in (terminal, other_end):
            os.close(end)
        assert process.returncode == code, said
        assert fingerprint(hosts[0]).encode() in said
        assert (home / "sites" / "ward.yaml").exists() == (code == 0)


class TestRemove:
    def test_comments_of_others_stay(self) -> None:
        text = (
            "# top\nsites:\n  a: {kind: edge} # of a\n  # of b\n  b:\n    kind: edge\n    x: |\n      one\n\n"
            "  # of c\n  c: {}\nlinks: []\n"
        )
        assert without(text, "sites", "b", "f") == (
            "# top\nsites:\n  a: {kind: edge} # of a\n  # of b\n  # of c\n  c: {}\nlinks: []\n"
        )
        only = "# top\nsites:\n  a:\n    kind: edge\n"
        assert without(only, "sites", "a", "f") == ""
        assert without(only + "links: []\n", "sites", "a", "f") == "# top\nlinks: []\n"

    @pytest.mark.parametrize("text", ["sites: {a: {}, b: {}}\n", "{sites: {a: {}}, links: []}\n"])
    def test_what_shares_a_line_is_left_to_people(self, text: str) -> None:
        with pytest.raises(InputError, match="by hand"):
            without(text, "sites", "a", "f")

    def test_a_site_that_something_names_stays(self, call: Call, home: Path) -> None:
        with (home / "estate.yaml").open("a") as file:
            file.write("  cellar:\n    kind: on_prem\n    country: DE\n")
        (home / "links.yaml").write_text("links: [{from: cellar, to: attic, bandwidth: 1Gbit/s}]\n")
        done = call("site", "rm", "cellar", "-C", home)
        assert done.code == 2
        assert "cellar" in done.err
        (home / "links.yaml").unlink()
        assert call("site", "rm", "cellar", "-C", home, "--dry-run").code == 0
        assert "cellar" in (home / "estate.yaml").read_text()
        assert call("site", "rm", "cellar", "-C", home).code == 0
        assert (home / "estate.yaml").read_text() == ESTATE

    def test_a_site_that_the_plan_uses_stays(self, call: Call, home: Path) -> None:
        (home / "work.yaml").write_text(
            "settings: {at: 2026-11-23T08:00Z, currency: EUR}\nworkloads:\n  web:\n    stage: serve\n"
            "    label: {level: 0}\n    shapes: [{cpu: 1, memory: 1GiB}]\n    service: {requests_per_s: 1}\n"
            "    run: {command: [sleep, '600']}\n"
        )
        assert call("plan", "-C", home).code == 0
        assert call("apply", "latest", "-C", home).code == 0
        done = call("site", "rm", "attic", "-C", home)
        assert done.code == 2
        assert "puts web at attic" in done.err
        assert "has no site 'attick'" in call("site", "rm", "attick", "-C", home).err
