"""Which files of a folder are sent with a run.

Where git knows the folder it is asked: what it tracks, and what is new and not ignored.  Elsewhere all is sent but
what tools leave behind.  ``.situsignore`` takes out more.  Files that look like secrets stay at home unless they
are named, also those that git tracks: what is sent is kept in the database and at sites.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from situs.control.shipping.patterns import Patterns
from situs.model.error import InputError

MOST_FILES = 20_000
"""More is a data set, or a home folder by mistake."""
GIT_S = 60.0
"""A repository of a million files is listed in a few seconds."""
OURS = ".situsignore"
NEVER = Patterns([".git", ".situs/", "__pycache__/", "*.pyc"])
LEFT_BEHIND = Patterns(
    [
        ".hg/", ".svn/", ".venv/", "venv/", "node_modules/", ".mypy_cache/", ".pytest_cache/", ".ruff_cache/",
        ".hypothesis/", ".ipynb_checkpoints/", ".tox/", ".nox/", ".eggs/", "*.egg-info/", ".idea/", ".vscode/",
        ".DS_Store", "*~", "*.swp", "wandb/", "mlruns/",
    ]
)  # fmt: skip
"""What no run needs, where no git says so."""
SECRETS = Patterns(
    [
        ".env", ".env.*", "!.env.example", "!.env.sample", "!.env.template", ".netrc", ".pypirc", ".pgpass",
        ".git-credentials", "*.pem", "*.key", "*.p12", "*.pfx", "*.kdbx", "*.jks", "id_rsa", "id_dsa", "id_ecdsa",
        "id_ed25519", ".aws/", ".azure/", ".ssh/", ".kube/", ".gnupg/", ".docker/config.json", "kubeconfig",
        "service-account*.json", "credentials.json", "secrets.yaml", "secrets.yml", "secrets.json", "secrets.toml",
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Listing:
    """Files by their path below the folder, in order."""

    files: tuple[str, ...]
    withheld: tuple[str, ...]
    """what looks like a secret"""
    astray: tuple[str, ...]
    """links that lead out of the folder, to what is not sent"""


def listed(folder: Path, include: Collection[str] = (), leave_out: Collection[str] = ()) -> Listing:
    """What of a folder is sent. ``include``: files that look like secrets and are meant to be sent.

    ``leave_out``: files that are brought there in another way. Raises InputError.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder} to send")
    ours = _patterns(folder / OURS)
    files, withheld, astray = [], [], []
    for name in _names(folder):
        if name in leave_out or NEVER.match(name) or ours.match(name):
            continue
        path = folder / name
        if SECRETS.match(name) and name not in include:
            withheld.append(name)
        elif path.is_symlink() and not _leads_inside(path, folder):
            astray.append(name)
        elif path.is_symlink() or path.is_file():
            files.append(name)
            if len(files) > MOST_FILES:
                raise InputError(
                    f"{folder} has more than {MOST_FILES:,} files to send; run from the folder of the code alone, "
                    f"or list what is not needed in {OURS}"
                )
    if missing := sorted(set(include) - set(files)):
        raise InputError(f"{missing[0]!r} is to be sent, and is no file of {folder} that would be")
    return Listing(tuple(sorted(files)), tuple(sorted(withheld)), tuple(sorted(astray)))


def _patterns(path: Path) -> Patterns:
    return Patterns(path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else [])


def _names(folder: Path) -> Iterator[str]:
    known = _by_git(folder)
    if not known:
        yield from _walked(folder, "", LEFT_BEHIND)
        return
    for name in known:
        if (folder / name).is_dir() and not (folder / name).is_symlink():
            # A repository within: git names its folder alone.
            yield from _walked(folder, name.rstrip("/"), LEFT_BEHIND)
        else:
            yield name


def _by_git(folder: Path) -> list[str]:
    """Tracked files, and new ones that are not ignored; none where git knows nothing of the folder."""
    command = [
        "git", "-c", "core.fsmonitor=false", "-C", str(folder), "ls-files", "-z", "--cached", "--others",
        "--exclude-standard",
    ]  # fmt: skip
    try:
        # A folder's own settings must not start programs: core.fsmonitor is the one that would here.
        done = subprocess.run(command, capture_output=True, timeout=GIT_S, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return []
    return (
        sorted({os.fsdecode(name) for name in done.stdout.split(b"\0") if name})
        if not done.returncode
        else []
    )


def _walked(folder: Path, below: str, ignored: Patterns) -> Iterator[str]:
    for entry in sorted(os.scandir(folder / below), key=lambda entry: entry.name):
        name = f"{below}/{entry.name}" if below else entry.name
        if not entry.is_dir(follow_symlinks=False):
            if not ignored.match(name):
                yield name
        elif not (ignored.match_folder(name) or NEVER.match_folder(name) or _is_environment(entry.path)):
            yield from _walked(folder, name, ignored)


def _is_environment(path: str) -> bool:
    """Whether a folder is a Python environment, whatever its name."""
    return (Path(path) / "pyvenv.cfg").is_file()


def _leads_inside(link: Path, folder: Path) -> bool:
    target = link.readlink()
    return not target.is_absolute() and link.resolve().is_relative_to(folder.resolve())
