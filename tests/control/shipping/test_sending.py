"""Code and packages at real sites: this machine and a real sshd, with real pip."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from situs.control.shipping import snapshot
from situs.control.shipping.sending import FAILED, launched
from situs.model.workload import Run
from situs.sites.adapter import Adapter, Key, Status, Task
from situs.sites.local import LocalSite
from situs.sites.posix import PosixHost
from situs.sites.ssh import SshSite
from situs.sites.sshshell import SshShell
from tests.control.plane import until
from tests.sites.ssh_server import SshServer, access

REQUIREMENTS = "--no-index\n--find-links wheels\nsitus-greeting==1.0\n"
GREET = ("python", "-c", "import greeting, sys; print(greeting.TEXT, sys.prefix)")


@pytest.fixture(params=["local", "ssh"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Adapter, Path]]:
    """A site, and the folder that it keeps its things in."""
    if request.param == "local":
        yield LocalSite(tmp_path / "site"), tmp_path / "site"
        return
    server = SshServer(tmp_path / "server", {"PATH": os.environ["PATH"]})
    try:
        yield (
            SshSite({"one": PosixHost(SshShell(server.address, access(tmp_path, server)))}),
            server.home / ".situs",
        )
    finally:
        server.stop()


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A folder with a program, and a wheel that it needs."""
    folder = tmp_path / "code"
    (folder / "wheels").mkdir(parents=True)
    (folder / "lib").mkdir()
    (folder / "lib" / "say.py").write_text("WORDS = 'hello'\n")
    (folder / "main.py").write_text("import sys\nfrom lib.say import WORDS\nprint(WORDS, *sys.argv[1:])\n")
    (folder / "requirements.txt").write_text(REQUIREMENTS)
    about = "situs_greeting-1.0.dist-info"
    with zipfile.ZipFile(folder / "wheels" / "situs_greeting-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("greeting.py", "TEXT = 'good morning'\n")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: situs-greeting\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return folder


def begin(
    site: Adapter, code: Path, generation: int, command: tuple[str, ...], packages: str | None = None
) -> Key:
    key = Key("job", generation)
    run = Run(command=command, code=".", packages=packages, python=sys.executable)
    prefix = launched(key, site, snapshot(code).archive, run, command, lambda: None)
    site.start(Task(key, prefix))
    return key


def ended(site: Adapter, key: Key) -> tuple[Status, str]:
    until(lambda: not site.status(key).alive, f"{key} ends")
    return site.status(key), site.logs(key)[0].decode()


def test_code_is_sent_once_and_unpacked_for_each_run(site: tuple[Adapter, Path], code: Path) -> None:
    program = ("python", "main.py", 'it\'s $HOME; "x"')
    assert ended(site[0], begin(site[0], code, 1, program))[1] == 'hello it\'s $HOME; "x"\n'
    kept = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (site[1] / "kept").iterdir()}
    assert ended(site[0], begin(site[0], code, 2, program))[0].succeeded
    assert {
        path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (site[1] / "kept").iterdir()
    } == kept
    (code / "lib" / "say.py").write_text("WORDS = 'changed'\n")
    assert ended(site[0], begin(site[0], code, 3, ("python", "main.py")))[1] == "changed\n"
    assert len(list((site[1] / "kept").iterdir())) == len(kept) + 1


@pytest.mark.slow
def test_packages_are_installed_once_for_a_site(site: tuple[Adapter, Path], code: Path) -> None:
    first = ended(site[0], begin(site[0], code, 1, GREET, "requirements.txt"))
    assert first[0].succeeded, first[1]
    assert "installing requirements.txt" in first[1]
    assert f"good morning {site[1]}/envs/" in first[1]
    again = ended(site[0], begin(site[0], code, 2, GREET, "requirements.txt"))
    assert again[1] == first[1].splitlines(keepends=True)[-1]
    (code / "requirements.txt").write_text(REQUIREMENTS.replace("1.0", "2.0"))
    bad = ended(site[0], begin(site[0], code, 3, GREET, "requirements.txt"))
    assert bad[0].exit_code == FAILED
    assert "requirements.txt could not be installed" in bad[1]
    assert len([path for path in (site[1] / "envs").iterdir() if path.is_dir()]) == 1


@pytest.mark.slow
def test_an_installation_that_was_killed_is_not_taken_for_whole(
    site: tuple[Adapter, Path], code: Path
) -> None:
    envs = site[1] / "envs"
    for generation in range(1, 4):
        key = begin(site[0], code, generation, GREET, "requirements.txt")
        until(lambda: list(envs.glob("*.at.*/lib/python*/site-packages/pip")), "it is half made")
        site[0].stop(key, grace_s=0.0)
        left = list(envs.glob("*.ready"))
        if not left:
            break
        # It was quicker than we are: once more from the beginning.
        shutil.rmtree(envs)
    assert list(envs.glob("*.at.*"))
    status, said = ended(site[0], begin(site[0], code, 9, GREET, "requirements.txt"))
    assert status.succeeded, said
    assert "installing" in said
    assert len(list(envs.glob("*.at.*"))) == 1


@pytest.mark.slow
def test_two_runs_that_need_the_same_install_it_once(site: tuple[Adapter, Path], code: Path) -> None:
    keys = [begin(site[0], code, 1, GREET, "requirements.txt")]
    other = Key("other", 1)
    run = Run(command=GREET, code=".", packages="requirements.txt", python=sys.executable)
    site[0].start(Task(other, launched(other, site[0], snapshot(code).archive, run, GREET, lambda: None)))
    said = [ended(site[0], key)[1] for key in (*keys, other)]
    assert sum("installing" in text for text in said) == 1
    assert all("good morning" in text for text in said)
