"""What is sent with a run: held against git itself, and against what must never leave unasked."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from situs.control.shipping import LARGEST_BYTES, likely_lock, lock_digest, snapshot
from situs.control.shipping.listing import listed
from situs.control.shipping.patterns import Patterns
from situs.model.error import InputError

SECRET_FILES = (".env", "config/.env.production", "tls/server.key", "id_rsa", ".aws/credentials")


def git(folder: Path, *words: str) -> str:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "PATH": os.environ["PATH"]}
    who = ("-c", "user.name=ann", "-c", "user.email=ann@example.org")
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, env=own, check=False, capture_output=True, text=True
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def tree(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def names_in(archive: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return tar.getnames()


@pytest.fixture(scope="module")
def empty_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("patterns")
    git(folder, "init", "-q")
    return folder


PART = st.sampled_from(["a", "b", "ab", "a.py", "*.py", "*", "a*", "?b", "[ab]", "[!a]", "**", "build"])
PATTERN = st.builds(
    lambda no, top, parts, end: no + top + "/".join(parts) + end,
    st.sampled_from(["", "", "", "!"]), st.sampled_from(["", "", "/"]), st.lists(PART, min_size=1, max_size=3),
    st.sampled_from(["", "", "/"]),
)  # fmt: skip
PATH = st.lists(st.sampled_from(["a", "b", "ab", "a.py", "x.py", "build", "c"]), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(PATTERN, min_size=1, max_size=4), st.lists(PATH, min_size=1, max_size=12))
def test_patterns_mean_what_they_mean_to_git(
    empty_repository: Path, patterns: list[str], paths: list[list[str]]
) -> None:
    (empty_repository / ".gitignore").write_text("\n".join(patterns) + "\n")
    asked = sorted({"/".join(parts) for parts in paths})
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"], cwd=empty_repository, input="\n".join(asked), text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    ours = Patterns(patterns)
    assert [name for name in asked if ours.match(name)] == done.stdout.split()


def test_git_says_what_is_sent(tmp_path: Path) -> None:
    tree(
        tmp_path, "train.py", "lib/model.py", "old.py", "data.bin", "out/checkpoint", "new.py", ".situsignore"
    )
    (tmp_path / ".gitignore").write_text("out/\n")
    (tmp_path / ".situsignore").write_text("*.bin\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "train.py", "lib", "old.py", "data.bin")
    git(tmp_path, "commit", "-qm", "first")
    (tmp_path / "old.py").unlink()
    assert listed(tmp_path).files == (".gitignore", ".situsignore", "lib/model.py", "new.py", "train.py")
    assert listed(tmp_path / "lib").files == ("model.py",)


def test_without_git_what_tools_leave_behind_stays(tmp_path: Path) -> None:
    tree(
        tmp_path, "train.py", "my-env/pyvenv.cfg", "my-env/lib/x.py", "node_modules/x.js", "__pycache__/a.pyc",
        "lib/__pycache__/b.pyc", ".situs/control.db", ".git-is-no-folder", "lib/b.py",
    )  # fmt: skip
    assert listed(tmp_path).files == (".git-is-no-folder", "lib/b.py", "train.py")


@pytest.mark.parametrize("tracked", [True, False])
def test_what_looks_like_a_secret_is_never_sent_unasked(tmp_path: Path, tracked: bool) -> None:
    tree(tmp_path, *SECRET_FILES, "train.py", ".env.example")
    if tracked:
        git(tmp_path, "init", "-q")
        git(tmp_path, "add", "-f", ".")
    taken = snapshot(tmp_path)
    assert set(taken.withheld) == set(SECRET_FILES)
    assert names_in(taken.archive) == [".env.example", "train.py"]
    assert ".env" in names_in(snapshot(tmp_path, include=[".env"]).archive)
    with pytest.raises(InputError, match=r"'nothing\.key'"):
        snapshot(tmp_path, include=["nothing.key"])


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    one = tree(tmp_path / "one", "b.py", "a/run.sh", "ä ö\n.py")
    other = tree(tmp_path / "other", "ä ö\n.py", "a/run.sh", "b.py")
    for folder in (one, other):
        (folder / "a/run.sh").chmod(0o755)
        (folder / "here").symlink_to("a/run.sh")
        (folder / os.fsdecode(b"\xff.py")).touch()
    os.utime(one / "b.py", (0, 0))
    (one / "b.py").chmod(0o600)
    assert snapshot(one) == snapshot(other)
    (other / "b.py").write_text("x")
    assert snapshot(one).sha256 != snapshot(other).sha256


def test_links_that_lead_out_stay(tmp_path: Path) -> None:
    folder = tree(tmp_path / "code", "a.py")
    (folder / "out").symlink_to("../secret")
    (folder / "etc").symlink_to("/etc/passwd")
    (folder / "in").symlink_to("a.py")
    taken = snapshot(folder)
    assert (taken.files, taken.astray) == (("a.py", "in"), ("etc", "out"))


def test_too_much_is_refused_with_the_names_of_what_is_large(tmp_path: Path) -> None:
    tree(tmp_path, "train.py")
    for name, size in (("model.bin", LARGEST_BYTES), ("small.bin", 2 << 20)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    with pytest.raises(InputError, match=r"model\.bin \(64\.0 MiB\), small\.bin \(2\.0 MiB\).*\.situsignore"):
        snapshot(tmp_path)
    (tmp_path / ".situsignore").write_text("/model.bin\n")
    assert "small.bin" in snapshot(tmp_path).files


def test_an_environment_is_another_one_when_what_it_is_made_from_changes(tmp_path: Path) -> None:
    def digest() -> str:
        return lock_digest(snapshot(tmp_path).archive, "requirements.txt")

    tree(tmp_path, "train.py")
    (tmp_path / "requirements.txt").write_text("-r more/base.txt\nb==1\n")
    tree(tmp_path, "more/base.txt")
    assert likely_lock(snapshot(tmp_path).files) == "requirements.txt"
    first = digest()
    (tmp_path / "train.py").write_text("changed")
    assert digest() == first
    (tmp_path / "more/base.txt").write_text("a==2\n")
    assert digest() != first
    for line in ("-e .", "./lib", "here @ file:///x", "--editable=x"):
        (tmp_path / "requirements.txt").write_text(line + "\n")
        with pytest.raises(InputError, match="installs from a folder"):
            digest()
    with pytest.raises(InputError, match=r"no file 'uv\.lock'"):
        lock_digest(snapshot(tmp_path).archive, "uv.lock")
