"""The first process of a pod, with real shells in a process namespace of their own; no cluster is needed for it."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from situs.sites.conformance.waiting import PATIENCE_S, until
from situs.sites.kubernetes.manifests import OPENED
from tests.sites.kubernetes_pod import SHELLS, Pod

pytestmark = pytest.mark.slow


@pytest.fixture(params=SHELLS, ids=[name for name, _ in SHELLS])
def pod(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Pod]:
    _, shell = request.param
    if not shutil.which(shell[0]):
        pytest.skip(f"needs Debian package: {shell[0]}")
    pod = Pod(tmp_path, shell)
    yield pod
    pod.kill()


def test_it_passes_on_how_the_run_went(pod: Pod) -> None:
    pod.begin(
        "import os, signal, sys\nassert os.getpid() == os.getpgid(0) == os.getsid(0)\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
        "assert os.listdir('.') == [], os.listdir('.')\n"
        "print(sorted({'PWD', 'OLDPWD', 'SHLVL'} & set(os.environ)), flush=True); sys.exit(7)"
    )
    code, told, out = pod.end()
    assert (code, out) == (7, b"[]\n")
    assert "reason" not in told
    assert 0 < int(told["wall_cs"]) < PATIENCE_S * 100


def test_a_program_that_is_not_there_ends_with_127(pod: Pod) -> None:
    pod.begin("import os; os.execvp('sh', ['sh', '-c', 'exec no-such-program'])")
    assert pod.end()[0] == 127


def test_the_time_limit_ends_all_of_it(pod: Pod, tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    pod.begin(
        "import os, signal, time\nif os.fork() == 0:\n    os.setsid()\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"    while True: open({str(alive)!r}, 'w').close(); time.sleep(0.01)\ntime.sleep(600)",
        limit_s="1",
    )
    code, told, _ = pod.end()
    assert (code, told["reason"]) == (137, "timeout")
    assert int(told["wall_cs"]) >= 100
    alive.unlink()
    time.sleep(0.1)
    assert not alive.exists()


@pytest.mark.parametrize("deaf", [False, True])
def test_a_stop_has_its_grace(pod: Pod, deaf: bool) -> None:
    heard = "signal.SIG_IGN" if deaf else "lambda *_: (print('bye', flush=True), sys.exit(0))"
    pod.begin(
        f"import signal, sys, time\nsignal.signal(signal.SIGTERM, {heard})\nopen('ready', 'w')\ntime.sleep(600)"
    )
    until((pod.folder / "work" / "ready").exists, "it listens")
    pod.stop(0.2 if deaf else PATIENCE_S)
    code, told, out = pod.end()
    assert (code, told["reason"], out) == ((137, "stopped", b"") if deaf else (0, "stopped", b"bye\n"))


def test_what_the_site_ends_is_told_from_what_we_do(pod: Pod) -> None:
    pod.begin("import time; open('ready', 'w'); time.sleep(600)")
    until((pod.folder / "work" / "ready").exists, "it has begun")
    subprocess.run(["kill", "-s", "TERM", str(pod.first())], check=True)
    code, told, _ = pod.end()
    assert (code, told["reason"]) == (128 + signal.SIGTERM, "cancelled")


def test_only_one_pod_runs(pod: Pod, tmp_path: Path) -> None:
    count = tmp_path / "count"
    for expected in (0, 75):
        pod.begin(f"open({str(count)!r}, 'a').write('x')")
        assert pod.end()[0] == expected
    assert count.read_text() == "x"
    assert pod.end()[1]["reason"] == "lost"


@pytest.mark.parametrize(("newest", "runs"), [("2", True), ("3", True), ("4", False)])
def test_a_generation_that_is_older_by_then_does_not_begin(pod: Pod, newest: str, runs: bool) -> None:
    # A ConfigMap's value has no end of line.
    pod.newest.write_text(newest)
    pod.begin("print('ran')")
    code, told, out = pod.end()
    assert (code, b"ran" in out) == ((0, True) if runs else (75, False))
    assert told.get("reason") == (None if runs else "stopped")


@pytest.mark.parametrize("shell", [shell for _, shell in SHELLS], ids=[name for name, _ in SHELLS])
def test_an_opened_folder_closes_once_nobody_uses_it(shell: list[str], tmp_path: Path) -> None:
    script, gate, used = OPENED.replace("sleep 60", "sleep 0.05"), tmp_path / "gate", tmp_path / "used"
    use = f"(while [ ! -e {gate} ]; do : >{used}; sleep 0.02; done) & "
    inside = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    opened = subprocess.Popen([*inside, *shell, "-c", use + script])
    try:
        until(used.exists, "it is used")
        # Far longer than it would stay open unused.
        with pytest.raises(subprocess.TimeoutExpired):
            opened.wait(2)
        gate.touch()
        assert opened.wait(PATIENCE_S) == 0
    finally:
        opened.kill()
        opened.wait(PATIENCE_S)
