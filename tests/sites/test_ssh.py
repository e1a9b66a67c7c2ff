"""Hosts that SSH reaches, shown on real OpenSSH servers: one, and two as one site behind a jump host."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from situs.model.error import SitusError
from situs.sites.adapter import Full, Key, StaleGeneration, Task, Unreachable
from situs.sites.conformance.accelerators import AcceleratorConformance
from situs.sites.conformance.suite import AdapterConformance
from situs.sites.conformance.waiting import Opener, alive, ended, python, until
from situs.sites.devices import NONE_SIMULATED
from situs.sites.posix import PosixHost
from situs.sites.ssh import SshSite
from situs.sites.sshshell import NotTrusted, SshAccess, SshShell
from tests.sites.ssh_server import OLD, SshServer, access
from tests.sites.test_posix import APPLETS

Servers = tuple[SshServer, ...]
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Two hosts, and one to jump over."""
    folder = tmp_path_factory.mktemp("ssh")
    started = (SshServer(folder / "one"), SshServer(folder / "two"), SshServer(folder / "jump"))
    yield started
    for server in started:
        server.stop()


@pytest.fixture
def one(servers: Servers) -> SshServer:
    return servers[0]


def site_of(
    folder: Path,
    servers: Servers,
    slots: int | None = None,
    jump: SshServer | None = None,
    simulated: Mapping[str, int] = NONE_SIMULATED,
) -> SshSite:
    """Runs lie in a folder that is named after the test."""
    reach = access(folder, *servers, *([jump] if jump else []), jump=jump.address if jump else None)
    runs = f"runs/{folder.name}"
    hosts = {
        server.address: PosixHost(SshShell(server.address, reach), runs, simulated=simulated)
        for server in servers
    }
    return SshSite(hosts, slots)


class TestSsh(AdapterConformance, AcceleratorConformance):
    """One host."""

    @pytest.fixture
    def open_accelerated(self, tmp_path: Path, servers: Servers) -> Opener:
        return lambda: site_of(tmp_path, servers[:1], simulated={"H100": 2})

    STEP_S = 3.0

    @pytest.fixture
    def open_site(self, tmp_path: Path, servers: Servers) -> Opener:
        return lambda: site_of(tmp_path, servers[:1])

    # Each of many control planes makes a connection of its own.
    @pytest.mark.slow
    @pytest.mark.parametrize("seed", [1, 2])
    def test_killed_at_random_instants_it_loses_nothing_and_runs_nothing_twice(
        self, open_site: Opener, tmp_path: Path, seed: int
    ) -> None:
        super().test_killed_at_random_instants_it_loses_nothing_and_runs_nothing_twice(
            open_site, tmp_path, seed
        )


@pytest.mark.slow
class TestSeveral(AdapterConformance):
    """Two hosts as one site, over a jump host."""

    STEP_S = 8.0

    @pytest.fixture
    def open_site(self, tmp_path: Path, servers: Servers) -> Opener:
        return lambda: site_of(tmp_path, servers[:2], jump=servers[2])


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    if (busybox := shutil.which("busybox")) is None:
        pytest.skip("needs the Debian package busybox")
    folder = tmp_path_factory.mktemp("box")
    tools = folder / "tools"
    tools.mkdir()
    for applet in APPLETS:
        (tools / applet).symlink_to(busybox)
    server = SshServer(folder / "sshd", {"PATH": str(tools)})
    yield server
    server.stop()


@pytest.mark.slow
class TestSmallBox(AdapterConformance):
    """A host where a login shell that is no POSIX shell starts busybox, and all commands are busybox's."""

    STEP_S = 3.0

    @pytest.fixture
    def open_site(self, tmp_path: Path, box: SshServer) -> Opener:
        sh = str(box.folder.parent / "tools" / "sh")
        reach = access(tmp_path, box, sh=sh)
        return lambda: SshSite({"box": PosixHost(SshShell(box.address, reach), f"runs/{tmp_path.name}", sh)})


class TestReaching:
    """Who is let in, and who is believed."""

    def test_a_host_that_is_not_known_is_not_talked_to(self, one: SshServer, tmp_path: Path) -> None:
        reach = access(tmp_path, one)
        (tmp_path / "known_hosts").write_text("")
        with pytest.raises(NotTrusted, match="known_hosts"):
            SshShell(one.address, reach).run("true")

    def test_a_host_that_took_over_the_name_of_another_is_not_talked_to(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        reach = access(tmp_path, *servers[:2])
        (tmp_path / "known_hosts").write_text(servers[1].known_as(servers[0].port))
        health = SshSite({"it": PosixHost(SshShell(servers[0].address, reach))}).health()
        assert not health.ok
        assert "127.0.0.1" in str(health.cause)

    def test_a_run_goes_to_the_host_that_has_an_accelerator_free(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        site = site_of(tmp_path, servers[:2], simulated={"H100": 2})
        assert sum(site.inventory().accelerators.values()) == 4
        wait = python("import os, time; print(os.environ['SITUS_ACCELERATORS'], flush=True); time.sleep(600)")
        # One host has both taken by one run, the other one is busier with runs that need none.
        site.start(Task(Key("both", 1), wait, accelerators=2))
        for name in ("x", "y", "z"):
            site.start(Task(Key(name, 1), python("import time; time.sleep(600)")))
        wanted = Task(Key("one", 1), wait, accelerators=1)
        tries = 0
        while site.status(wanted.key).state == "absent":
            tries += 1
            assert tries <= 3, "it was tried at each host"
            source = tmp_path / "code"
            source.write_text("x")
            site.put(wanted.key, source, "code")
            with suppress(Full):
                site.start(wanted)
        assert site.status(wanted.key).state == "running"
        for key in site.known():
            site.stop(key, grace_s=0)

    def test_a_person_gets_through_several_jump_hosts_and_each_has_to_be_known(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        hops = f"{servers[2].address},{servers[1].address}"
        for known, code in ((servers, 0), (servers[:2], 255), ((servers[0], servers[2]), 255)):
            folder = tmp_path / str(code) / str(len(known)) / known[-1].address
            folder.mkdir(parents=True)
            shell = SshShell(servers[0].address, access(folder, *known, jump=hops))
            words = shell.terminal('echo "$1"', "50% of it's", terminal=False)
            done = subprocess.run(words, capture_output=True, text=True, timeout=60)
            assert (done.returncode, done.stdout) == (code, "" if code else "50% of it's\n"), done.stderr

    def test_a_jump_host_has_to_be_known_too(self, servers: Servers, tmp_path: Path) -> None:
        reach = access(tmp_path, servers[0], servers[2], jump=servers[2].address)
        (tmp_path / "known_hosts").write_text(servers[0].known_as(servers[0].port))
        with pytest.raises(NotTrusted):
            SshShell(servers[0].address, reach).run("true")

    def test_a_config_that_switches_checking_off_is_refused(self, one: SshServer, tmp_path: Path) -> None:
        config = tmp_path / "config"
        config.write_text("Host *\n  UserKnownHostsFile none\n  StrictHostKeyChecking no\n")
        with pytest.raises(NotTrusted, match="any host's key"):
            SshShell(one.address, SshAccess(config=config, identity=one.identity)).run("true")

    def test_names_and_jump_hosts_of_the_ssh_config_are_used(self, servers: Servers, tmp_path: Path) -> None:
        inner, jump = servers[0], servers[2]
        reach = access(tmp_path, inner, jump)
        (tmp_path / "ssh_config").write_text(
            f"Host inner\n  HostName 127.0.0.1\n  Port {inner.port}\n  ProxyJump outer\n"
            f"Host outer\n  HostName 127.0.0.1\n  Port {jump.port}\n"
            f"Host *\n  IdentityFile {inner.identity}\n  UserKnownHostsFile {tmp_path / 'known_hosts'}\n"
        )
        shell = SshShell("inner", SshAccess(config=reach.config))
        port = shell.run('echo "$SSH_CONNECTION"').stdout.split()
        assert int(port[3]) == inner.port
        said = (jump.folder / "log").read_text()
        assert "Accepted publickey" in said

    def test_a_key_that_is_not_let_in_is_told_so(self, servers: Servers, tmp_path: Path) -> None:
        stranger = SshServer(tmp_path / "stranger")
        stranger.stop()
        reach = access(tmp_path, servers[0])
        with pytest.raises(SitusError, match="does not let us in"):
            SshShell(servers[0].address, SshAccess(reach.config, reach.known_hosts, stranger.identity)).run(
                "true"
            )

    def test_old_algorithms_are_spoken_only_where_that_is_allowed(self, tmp_path: Path) -> None:
        old = SshServer(tmp_path / "old", lines=OLD)
        try:
            with pytest.raises(SitusError, match="legacy"):
                SshShell(old.address, access(tmp_path, old)).run("true")
            assert (
                SshShell(old.address, access(tmp_path, old, legacy=True)).run("echo yes").stdout == b"yes\n"
            )
        finally:
            old.stop()

    def test_a_host_that_is_down_is_unreachable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("situs.sites.again.PAUSES_S", (0.01,))
        host = SshServer(tmp_path / "down")
        shell = SshShell(host.address, access(tmp_path, host))
        assert shell.run("echo up").stdout == b"up\n"
        host.stop()
        assert shell.run("echo still").stdout == b"still\n", "the line that is there goes on"
        with pytest.raises(Unreachable):
            SshShell(host.address, access(tmp_path, host)).run("true")
        assert "see whether it is up" in str(
            SshSite({"it": PosixHost(SshShell(host.address, access(tmp_path, host)))}).health().next_step
        )

    @settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(args=st.lists(TEXT, max_size=4), stdin=st.binary(max_size=60))
    def test_arguments_and_input_arrive_as_they_are(
        self, one: SshServer, tmp_path: Path, args: list[str], stdin: bytes
    ) -> None:
        shell = SHELLS.setdefault(str(tmp_path), SshShell(one.address, access(tmp_path, one)))
        done = shell.run('echo "$#"; [ "$#" = 0 ] || printf "%s\\0" "$@"; cat', *args, stdin=stdin)
        assert done.stdout == f"{len(args)}\n".encode() + "".join(f"{arg}\0" for arg in args).encode() + stdin

    @pytest.mark.parametrize("login", ["tcsh", "fish", "bash", "dash"])
    def test_the_login_shell_may_be_any(self, tmp_path: Path, login: str) -> None:
        program = shutil.which(login)
        if program is None:
            pytest.skip(f"needs the Debian package {login}")
        # sshd has the user's shell from the password file; a forced command stands for another one.
        wrapper = tmp_path / "login"
        wrapper.write_text(f'#!/bin/sh\nexec {program} -c "$SSH_ORIGINAL_COMMAND"\n')
        wrapper.chmod(0o755)
        host = SshServer(tmp_path / "host", lines=(f"ForceCommand {wrapper}",))
        try:
            nasty = ["it's", '"$HOME" `id` $(id) !1 \\ * ~', "new\nline", "ü ☃"]
            shell = SshShell(host.address, access(tmp_path, host))
            assert shell.run('printf "%s|" "$@"', *nasty).stdout.decode() == "".join(f"{n}|" for n in nasty)
        finally:
            host.stop()


SHELLS: dict[str, SshShell] = {}


class TestClock:
    def test_a_clock_that_is_ahead_is_told_as_ahead(self, tmp_path: Path) -> None:
        tools = tmp_path / "tools"
        tools.mkdir()
        (tools / "date").write_text('#!/bin/sh\nexec /bin/date -d "+1 hour" "$@"\n')
        (tools / "date").chmod(0o755)
        host = SshServer(tmp_path / "host", {"PATH": f"{tools}:/usr/bin:/bin"})
        try:
            ahead = site_of(tmp_path, (host,)).health().clock_ahead_s
        finally:
            host.stop()
        assert 3000 < ahead < 4200


class TestHosts:
    """Several hosts are one site."""

    def test_runs_go_where_there_is_room_and_are_found_again(self, servers: Servers, tmp_path: Path) -> None:
        keys = [Key(f"job-{number}", 1) for number in range(4)]
        site = site_of(tmp_path, servers[:2], slots=2)
        for key in keys:
            site.start(
                Task(key, python("import os, time; print(os.environ['HOME'], flush=True); time.sleep(600)"))
            )
        with pytest.raises(Full, match="all 4 slots"):
            site.start(Task(Key("one-more", 1), python("pass")))
        again = site_of(tmp_path, servers[:2], slots=2)
        assert again.known() == keys
        until(lambda: all(again.logs(key)[0] for key in keys), "all of them run")
        homes = [again.logs(key)[0].decode() for key in keys]
        assert [sum(str(server.home) in home for home in homes) for server in servers[:2]] == [2, 2]
        for key in keys:
            assert again.stop(key, grace_s=0).reason == "stopped"
        again.start(Task(Key("one-more", 1), python("pass")))
        assert ended(again, Key("one-more", 1)).succeeded

    def test_runs_that_begin_at_once_do_not_take_the_same_slot(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        site = site_of(tmp_path, servers[:2], slots=1)
        keys = [Key(name, 1) for name in ("one", "two")]
        text = "import os, time; print(os.environ['HOME'], flush=True); time.sleep(600)"
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda key: site.start(Task(key, python(text))), keys))
        until(lambda: all(site.logs(key)[0] for key in keys), "both of them run")
        homes = [site.logs(key)[0].decode() for key in keys]
        assert [sum(str(server.home) in home for home in homes) for server in servers[:2]] == [1, 1]
        for key in keys:
            site.stop(key, grace_s=0.0)

    def test_a_generation_that_ran_elsewhere_is_refused_at_every_host(
        self, servers: Servers, tmp_path: Path
    ) -> None:
        """Also when the list of hosts has changed since."""
        site_of(tmp_path, servers[:1]).start(Task(Key("job", 5), python("pass")))
        for others in (servers[:2], (servers[1], servers[0])):
            with pytest.raises(StaleGeneration):
                site_of(tmp_path, others).start(Task(Key("job", 4), python("pass")))
        site = site_of(tmp_path, servers[:2])
        assert ended(site, Key("job", 5)).succeeded
        site.start(Task(Key("job", 5), python("raise SystemExit(9)")))
        assert ended(site, Key("job", 5)).succeeded

    def test_nothing_new_starts_while_a_host_gives_no_answer(
        self, servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("situs.sites.again.PAUSES_S", (0.01,))
        other = SshServer(tmp_path / "other")
        site = site_of(tmp_path, (servers[0], other))
        other.stop()
        with pytest.raises(Unreachable):
            site.start(Task(Key("job", 1), python("pass")))
        other.start()
        try:
            site.start(Task(Key("job", 1), python("pass")))
            assert ended(site, Key("job", 1)).succeeded
        finally:
            other.stop()


class TestRuns:
    """What only a shell may get wrong."""

    @settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(
        name=TEXT.filter(bool),
        args=st.lists(TEXT, max_size=4),
        env=st.dictionaries(
            st.from_regex(r"\A[a-z_][a-z0-9_]{0,8}\Z").filter(lambda n: n != "_"), TEXT, max_size=4
        ),
    )
    def test_names_arguments_and_variables_arrive_as_they_are(
        self, one: SshServer, tmp_path: Path, name: str, args: list[str], env: dict[str, str]
    ) -> None:
        site = SITES.setdefault(str(tmp_path), site_of(tmp_path, (one,)))
        key = Key(name, 1)
        text = (
            "import os, sys; seen = repr((sys.argv[1:], dict(os.environ)));"
            "sys.stdout.buffer.write(seen.encode('ascii', 'backslashreplace'))"
        )
        site.start(Task(key, (*python(text), *args), {**env, "run": "mine", "value": "mine too"}))
        assert ended(site, key).succeeded, site.logs(key)
        seen_args, seen_env = eval(site.logs(key)[0])
        assert seen_args == args
        assert {**env, "run": "mine", "value": "mine too", "SITUS_WORKLOAD": name}.items() <= seen_env.items()
        assert key in site.known()
        site.forget(key)

    def test_what_no_shell_can_do_is_refused(self, one: SshServer, tmp_path: Path) -> None:
        site = site_of(tmp_path, (one,))
        for task, what in (
            (Task(Key("job", 1), python("pass"), {"A-B": "x"}), "A-B"),
            (Task(Key("job", 1), ("-x",)), "-x"),
            (Task(Key("job", 1), ()), "program"),
            (Task(Key("job", 1), ("a\0b",)), "NUL"),
            (Task(Key("x" * 300, 1), python("pass")), "too long"),
        ):
            with pytest.raises(SitusError, match=what):
                site.start(task)

    def test_when_its_supervisor_is_killed_a_run_is_lost_and_nothing_of_it_goes_on(
        self, one: SshServer, tmp_path: Path
    ) -> None:
        site, key = site_of(tmp_path, (one,)), Key("job", 1)
        site.start(
            Task(
                key, python("import os, time; print(os.getppid(), os.getpid(), flush=True); time.sleep(600)")
            )
        )
        until(lambda: site.logs(key)[0].endswith(b"\n"), "it says who it is")
        supervisor, process = map(int, site.logs(key)[0].split())
        os.kill(supervisor, signal.SIGKILL)
        until(lambda: site.status(key).state == "ended", "the loss is seen")
        assert site.status(key).reason == "lost"
        until(lambda: not alive(process), "nothing of it goes on")
        site.start(Task(key, python("open('again', 'w')")))
        assert site.status(key).reason == "lost"


SITES: dict[str, SshSite] = {}
