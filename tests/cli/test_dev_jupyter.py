"""``situs dev --jupyter`` with a real Jupyter server, and where there is none."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.cli.test_run import Person, person
from tests.control.plane import until

__all__ = ["person"]

JUPYTER = Path(".venv-jupyter/bin").absolute()
PATIENCE_S = 240
pytestmark = pytest.mark.slow


def folder_of(person: Person, session: str) -> Path:
    """Where a session of this machine keeps what is its own."""
    (found,) = person.folder.glob(f".situs/sites/*/runs/{session}.*/**/.situs-session")
    return found


def command_lines() -> bytes:
    """Of all processes, as everybody can read them."""
    found = b""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += file.read_bytes()
        except OSError:
            continue
    return found


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not (JUPYTER / "jupyter-server").exists(), reason="no Jupyter: make jupyter")
def test_jupyter_runs_in_the_session_and_ends_with_it(person: Person) -> None:
    person.write(train="print('trained')")
    # As `pip install` in the session or a lock file would have it.
    person.env["PATH"] = f"{person.env['PATH']}{os.pathsep}{JUPYTER}"
    browsing = person.begin("dev", "--name", "mine", "--no-env", "--jupyter", "--json")
    try:
        assert browsing.stdout is not None
        shown = ""
        while not (found := re.search(r'"url": "(http://127\.0\.0\.1:\d+/\?token=\w+)"', shown)):
            line = browsing.stdout.readline()
            assert line, (shown, browsing.communicate())
            shown += line
        url = urlsplit(found[1])
        (token,) = parse_qs(url.query)["token"]
        contents = f"http://{url.netloc}/api/contents"
        assert httpx.get(contents, timeout=PATIENCE_S).status_code == 403
        answer = httpx.get(contents, params={"token": token}, timeout=PATIENCE_S)
        assert "train.py" in [each["name"] for each in answer.json()["content"]]
        place = folder_of(person, "mine")
        # It is in no list of processes, no log and no database.
        assert token.encode() not in command_lines()
        kept = {file for file in (person.folder / ".situs").rglob("*") if file.is_file()}
        shows = {file.relative_to(place).parts[:2] for file in kept if token.encode() in file.read_bytes()}
        assert shows <= {("jupyter", "token"), ("jupyter", "runtime")}
        assert (place.stat().st_mode & 0o777, (place / "jupyter" / "token").stat().st_mode & 0o777) == (
            0o700,
            0o600,
        )
        assert person.type("logs", "mine")[1].count(token) == 0
        # Who comes again finds the same one.
        again = person.begin("dev", "mine", "--jupyter")
        assert again.stdout is not None
        other = urlsplit(again.stdout.readline().strip())
        assert (parse_qs(other.query)["token"], other.port != url.port) == ([token], True)
        assert httpx.get(other.geturl(), timeout=PATIENCE_S, follow_redirects=True).status_code < 500
        (server,) = (place / "jupyter" / "runtime").glob("jpserver-*.json")
        process = json.loads(server.read_text())["pid"]
        browsing.send_signal(signal.SIGINT)
        assert browsing.wait(PATIENCE_S) == 0
        assert is_alive(process), "it goes on without a line to it"
        assert person.type("stop", "mine")[0] == 0
        until(lambda: not is_alive(process), "it ends with the session")
        again.wait(PATIENCE_S)
    finally:
        browsing.kill()
        browsing.wait()


def test_where_there_is_no_jupyter_it_says_how_to_get_one(person: Person) -> None:
    assert person.type("dev", "--name", "mine", "--no-env", "--detach")[0] == 0
    code, out, err = person.type("dev", "mine", "--jupyter")
    assert (code, out) == (1, "")
    assert "there is no Jupyter in the session" in err
    assert "python3 -m pip install jupyterlab" in err
    for more in ("--detach", "--dry-run"):
        code, _, err = person.type("dev", "--jupyter", more)
        assert (code, "goes with none of" in err) == (2, True)
