"""The demonstration as a user runs it: a process of its own, in an empty folder, with no network."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

SITUS = [sys.executable, "-P", "-m", "situs.cli"]
PATIENCE_S = 600.0
"""Only a fault takes so long, however slow the machine is."""

# Where a process may not be given a network of its own, its sockets reach this machine's loopback only.
NO_NETWORK = """
import socket
_connect = socket.socket.connect
def connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError("the network is off")
    return _connect(self, address)
socket.socket.connect = connect
def getaddrinfo(host, *rest, _real=socket.getaddrinfo):
    if host not in ("127.0.0.1", "::1", "localhost", "", None):
        raise OSError("the network is off")
    return _real(host, *rest)
socket.getaddrinfo = getaddrinfo
"""


def offline() -> list[str]:
    """A prefix that gives a command a network of its own with nothing in it but loopback; empty if not allowed."""
    prefix = [
        "unshare",
        "--net",
        "--",
        "sh",
        "-c",
        'ip link set lo up 2>/dev/null || ifconfig lo up; exec "$@"',
        "sh",
    ]
    if shutil.which("unshare") is None:
        return []
    works = (
        "import socket\ns = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()\n"
        "socket.create_connection(s.getsockname(), 2)"
    )
    tried = subprocess.run([*prefix, sys.executable, "-c", works], capture_output=True, check=False)
    return prefix if tried.returncode == 0 else []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def environment(folder: Path) -> dict[str, str]:
    """A home and a temporary folder of its own, so that what is left behind can be seen."""
    (folder / "tmp").mkdir()
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(NO_NETWORK)
    source = os.pathsep.join(filter(None, [str(folder / "site"), os.environ.get("PYTHONPATH")]))
    return {
        "PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder / "tmp"), "LANG": "C.UTF-8",
        "PYTHONPATH": source, "COLUMNS": "100",
    }  # fmt: skip


@pytest.fixture(scope="module")
def told(folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What a person sees."""
    done = subprocess.run(
        [*offline(), *SITUS, "demo"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def again(
    told: subprocess.CompletedProcess[str], folder: Path, environment: dict[str, str]
) -> dict[str, object]:
    """The second time, right after the first, for programs, with the sites kept."""
    done = subprocess.run(
        [*SITUS, "demo", "--json", "--keep"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def processes_of(folder: Path) -> Iterator[int]:
    """Processes that work in a folder, or were told of it."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                place = str((entry / "cwd").readlink())
            except OSError:
                continue
            if str(folder).encode() in told or place.startswith(str(folder)):
                yield int(entry.name)


def wait_until(true: Callable[[], bool], alive: subprocess.Popen[bytes] | None = None) -> None:
    """Wait for something, as long as the process that does it lives."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert alive is None or alive.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


def listening() -> set[str]:
    """Ports that something listens on."""
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                ports.add(fields[1].rpartition(":")[2])
    return ports


@pytest.mark.slow
class TestDemo:
    def test_it_works_without_network(self, told: subprocess.CompletedProcess[str]) -> None:
        """That it does not only seem so: with the same means, the network is really off."""
        assert told.returncode == 0

    def test_the_network_was_really_off(self, environment: dict[str, str]) -> None:
        ask = "import socket; socket.create_connection(('192.0.2.1', 80), 0.5)"
        tried = subprocess.run(
            [*offline(), sys.executable, "-c", ask],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert tried.returncode != 0
        assert "network is off" in tried.stderr or "unreachable" in tried.stderr

    def test_every_step_is_told_with_place_cost_and_reason(
        self, told: subprocess.CompletedProcess[str]
    ) -> None:
        for step in (
            "patients-prepare", "patients-tune", "patients-train",
            "shop-prepare", "shop-tune", "shop-train", "shop-serve",
        ):  # fmt: skip
            row = re.search(
                rf"^ *{step} +(\S+)/(\S+) +([\d.]+) +([\d.]+) +([\d.]+) *$", told.stdout, re.MULTILINE
            )
            assert row is not None, step
            seconds, rate, cost = map(Decimal, row.groups()[2:])
            assert cost > 0
            # The table shows a tenth of a second and a millionth of the currency.
            assert abs(cost - seconds * rate / 3600) <= rate * Decimal("0.05") / 3600 + Decimal("0.000001")
            assert re.search(rf"^  {step}: \w+", told.stdout, re.MULTILINE)

    def test_the_refused_attempt_is_shown_with_its_reasons(
        self, told: subprocess.CompletedProcess[str]
    ) -> None:
        _, _, refused = told.stdout.partition("Refused: patients-train in public-cloud")
        refused, _, _ = refused.partition("What ran where")
        text = " ".join(refused.split())
        assert "approved for level 2, the label has level 4" in text
        assert "under the law of US" in text
        assert text.count("Would lift it:") >= 2

    def test_it_ends_with_the_path_of_a_report_that_is_there(
        self, told: subprocess.CompletedProcess[str], folder: Path
    ) -> None:
        report = told.stdout.strip().splitlines()[-1].removeprefix("report: ")
        assert Path(report) == (folder / "demo-out" / "board.html").resolve()
        assert "</html>" in Path(report).read_text(encoding="utf-8")

    def test_the_first_time_leaves_nothing_behind(
        self, told: subprocess.CompletedProcess[str], folder: Path
    ) -> None:
        assert {path.name for path in folder.iterdir()} <= {"demo-out", "tmp", "site"}
        kept = [path for path in (folder / "tmp").iterdir() if not (path / "sites").exists()]
        assert kept == []

    def test_no_process_and_no_port_stays(self, again: dict[str, object], folder: Path) -> None:
        assert list(processes_of(folder)) == []
        sites = next((folder / "tmp").glob("situs-demo-*"))
        log = next(sites.glob("sites/shop-edge/runs/shop-serve.0@*/output.log")).read_text()
        port = int(log.split(":")[2])
        assert f"{port:04X}" not in listening()

    def test_the_second_time_decides_the_same(
        self, again: dict[str, object], told: subprocess.CompletedProcess[str]
    ) -> None:
        assert f"{Decimal(str(again['cost_per_month'])):,.2f} EUR/month" in told.stdout
        steps = again["steps"]
        assert isinstance(steps, list)
        for step in steps:
            assert re.search(rf"{step['workload']} +{step['site']}/{step['pool']} ", told.stdout)

    def test_each_kind_of_site_has_its_part(self, again: dict[str, object]) -> None:
        steps = again["steps"]
        assert isinstance(steps, list)
        assert {step["site"] for step in steps} == {"public-cloud", "private-cloud", "clinic-dc", "shop-edge"}

    def test_patient_data_were_nowhere_but_in_the_clinic(
        self, again: dict[str, object], folder: Path
    ) -> None:
        """Not by what was said but by what lies on the disks of the sites."""
        sites = next((folder / "tmp").glob("situs-demo-*")) / "sites"
        holders = {path.relative_to(sites).parts[0] for path in sites.rglob("*patients*")}
        assert holders == {"clinic-dc"}
        events = [json.loads(line) for line in (sites.parent / "journal.jsonl").read_text().splitlines()]
        refused = [event for event in events if event["event"] == "refused"]
        assert [(event["workload"], event["site"]) for event in refused] == [
            ("patients-train", "public-cloud")
        ]
        assert "clearance" in refused[0]["rules"]

    def test_the_models_are_real(self, again: dict[str, object], folder: Path) -> None:
        sites = next((folder / "tmp").glob("situs-demo-*")) / "sites"
        for name, least in (("patients-train", 0.95), ("shop-train", 0.9)):
            log = next(sites.glob(f"*/runs/{name}.0@*/output.log")).read_text()
            accuracy = re.search(r"accuracy ([\d.]+)", log)
            assert accuracy is not None
            assert float(accuracy[1]) >= least
        for name in ("patients-tune", "shop-tune"):
            log = next(sites.glob(f"*/runs/{name}.0@*/output.log")).read_text()
            scores = re.search(r"of 6: ([\d.]+) in cross-validation, ([\d.]+) without", log)
            assert scores is not None
            assert float(scores[1]) >= float(scores[2])
            # What training used is what tuning found.
            found = re.search(r"tuned: (C [\d.]+(, balanced)?) is", log)
            assert found is not None
            trained = next(sites.glob(f"*/runs/{name.replace('tune', 'train')}.0@*/output.log")).read_text()
            assert f"trained with {found[1]};" in trained
        answer = re.match(r"(\d+) of 20 pictures read right", str(again["answer"]))
        assert answer is not None
        assert int(answer[1]) >= 17

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_interrupted_it_cleans_up_as_well(
        self, folder: Path, environment: dict[str, str], number: signal.Signals
    ) -> None:
        tmp = folder / f"tmp-{number.name}"
        tmp.mkdir()
        demo = subprocess.Popen(
            [*SITUS, "demo"], cwd=folder, env={**environment, "TMPDIR": str(tmp)},
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(lambda: any(tmp.glob("situs-demo-*/sites/*/runs/patients-train.0@*/started")), demo)
        demo.send_signal(number)
        demo.communicate(timeout=PATIENCE_S)
        assert demo.returncode == 130
        assert list(tmp.iterdir()) == []
        assert list(processes_of(tmp)) == []

    def test_after_one_that_was_killed_the_next_cleans_up(
        self, folder: Path, environment: dict[str, str]
    ) -> None:
        """What is killed cannot do it itself, and patient data must not lie about."""
        tmp = folder / "tmp-killed"
        tmp.mkdir()
        away = {**environment, "TMPDIR": str(tmp)}
        demo = subprocess.Popen(
            [*SITUS, "demo"], cwd=folder, env=away, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(lambda: any(tmp.glob("situs-demo-*/sites/*/runs/patients-train.0@*/started")), demo)
        demo.kill()
        demo.wait()
        assert list(tmp.glob("situs-demo-*/sites/clinic-dc/**/*patients*"))
        wait_until(lambda: not list(processes_of(tmp)))
        # A folder that somebody keeps, or that a living run has, stays.
        kept, living = tmp / "situs-demo-kept", tmp / "situs-demo-living"
        for path in (kept, living):
            path.mkdir()
        with (living / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            again = subprocess.run([*SITUS, "demo"], cwd=folder, env=away, capture_output=True, check=False)
        assert again.returncode == 0, again.stderr
        assert sorted(tmp.iterdir()) == [kept, living]

    def test_in_german(self, folder: Path, environment: dict[str, str]) -> None:
        done = subprocess.run(
            [*SITUS, "--lang", "de", "demo", "--out", "vorstand"],
            cwd=folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "Abgelehnt: patients-train in der public-cloud" in done.stdout
        for english in ("Refused", "would lift", "step", "decide", "month", "proven"):
            assert english not in done.stdout, english
        assert '<html lang="de">' in (folder / "vorstand" / "board.html").read_text(encoding="utf-8")
