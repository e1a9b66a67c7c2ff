"""Checkpoints in a folder of a host that has a POSIX shell: the scripts, and this side of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from situs.model.checkpoint import StateFile
from situs.sites.adapter import Key
from situs.sites.checkpoints import Damaged, Unsettled
from situs.sites.pieces import FILES
from situs.sites.shell import PIECE_S, Completed, NotThere, Shell, ShellError

NOTHING, UNSETTLED = 66, 75
"""Exit codes of the scripts, taken from sysexits.h."""

_REAL = r"""
# Where a file of the run really is; nothing outside its folder, whatever links say.
real() {
  if [ -h "./$1" ]; then real=$(readlink -f "./$1") || exit 70
  else real=./$1; real=$(cd -P "${real%/*}" && pwd -P)/${real##*/} || exit 70
  fi
  case $real in "$here"/*) ;; *) echo 'it leads out of the folder of the run' >&2; exit 70 ;; esac
}
"""

_SEEN = r"""
# Node, size and time; not how many names it has, which taking it down changes.
seen() { set -- $(ls -lin --full-time "$1" 2>/dev/null || ls -linT "$1"); echo "$1 $6 $7 $8 $9"; }
"""

MARK = (
    r"""
set -fu
cd -P "$1" 2>/dev/null || exit 66
here=$(pwd -P)
shift
for last; do :; done
[ -f "./$last" ] || exit 66
"""
    + _REAL
    + _SEEN
    + r"""
for name; do
  [ -f "./$name" ] || continue
  [ ! "./$name" -nt "./$last" ] || exit 66
  real "$name"
  seen "$real"
done
"""
)

LINK = (
    r"""
set -fu
umask 077
copy=$2
cd -P "$1" || exit
here=$(pwd -P)
mkdir -p "$copy" || exit
shift 2
"""
    + _REAL
    + r"""
last=$(($# - 1)) tries=0
while [ "$tries" -lt 20 ]; do
  number=0 there=''
  for name; do
    rm -f "$copy/$number"
    if [ -f "./$name" ]; then
      real "$name"
      ln "$real" "$copy/$number" || exit
      there="$there $number"
    fi
    number=$((number + 1))
  done
  # What was renamed meanwhile may be of two states.
  number=0 settled=1
  for name; do
    if [ -f "$copy/$number" ]; then
      [ "./$name" -ef "$copy/$number" ] && [ -f "$copy/$last" ] && [ ! "$copy/$number" -nt "$copy/$last" ] || settled=
    fi
    number=$((number + 1))
  done
  [ ! "$settled" ] || { echo "$there"; exit; }
  tries=$((tries + 1))
done
exit 75
"""
)

CALL_BY_DIGEST = (
    FILES
    + _SEEN
    + r"""
# The number stays beside it, so that whoever got no answer may ask again.
[ -f "$1/$2" ] || exit 66
before=$(seen "$1/$2")
set -- "$1" "$2" "$(size "$1/$2")" "$(digest "$1/$2")" || exit
[ "$(seen "$1/$2")" = "$before" ] || exit 75
set -- "$1" "$2" "$3" "${4%% *}"
[ "$4" ] || exit 69
ln -f "$1/$2" "$1/$4" || exit
echo "$3 $4"
"""
)

ADOPT = (
    FILES
    + r"""
copy=$1 other=$2 digest=$3 total=$4
[ -f "$copy/$digest" ] || {
  [ -f "$other/$digest" ] || exit 66
  mkdir -p "$copy" && { ln "$other/$digest" "$copy/$digest" 2>/dev/null || [ -f "$copy/$digest" ]; } || exit
}
is "$copy/$digest" "$digest" "$total" || { rm -f "$copy/$digest"; exit 66; }
"""
)

DISCARD = r"""
set -u
umask 077
[ -d "$1" ] || exit 0
mkdir -p "$2" && mv "$1" "$2/$3" && rm -rf "$2/$3"
"""


class PosixCheckpoints:
    """The copies of one host."""

    def __init__(self, shell: Shell, root: str, work: Callable[[Key], str]) -> None:
        """``root``: the folder of ours there; ``work``: gives that of a run."""
        self._shell = shell
        self._root = root
        self._work = work

    def mark(self, key: Key, names: Sequence[str]) -> str | None:
        """Tells one state of a run from another one; None: there is none that is whole."""
        done = self._shell.ask(MARK, self._work(key), *names)
        return None if done.exit_code == NOTHING else sha256(_sound(done).stdout).hexdigest()

    def snapshot(self, key: Key, names: Sequence[str], copy: str) -> tuple[StateFile, ...]:
        """Hold the state of a run as it is now: a further name for each file, which writing beside it leaves alone."""
        folder, found = self._folder(copy), []
        for number in self._settled(key, self._shell.ask(LINK, self._work(key), folder, *names)).split():
            done = self._shell.ask(CALL_BY_DIGEST, folder, number, timeout_s=PIECE_S)
            size, digest = self._settled(key, done).split()
            found.append(StateFile(names[int(number)], int(size), digest))
        return tuple(found)

    def _settled(self, key: Key, done: Completed) -> str:
        if done.exit_code == UNSETTLED:
            raise Unsettled(f"{key.workload} was writing its state")
        return _sound(done).stdout.decode()

    def adopt(self, copy: str, file: StateFile, other: str) -> bool:
        """Have a file that another copy has; False when it is not there, or damaged."""
        words = (self._folder(copy), self._folder(other), file.sha256, str(file.size_bytes))
        done = self._shell.ask(ADOPT, *words, timeout_s=PIECE_S)
        if done.exit_code == NOTHING:
            return False
        _sound(done)
        return True

    def deposit(self, copy: str, file: StateFile, source: Path) -> None:
        """Have a file that this machine has, on from where it stopped."""
        if self._shell.send(source, f"{self._folder(copy)}/{file.sha256}", likely=True) != file.sha256:
            raise Damaged(f"{file.name} is not as it was taken down")

    def withdraw(self, copy: str, file: StateFile, target: Path) -> None:
        """Copy a file to this machine, on from where it stopped."""
        try:
            same = self._shell.fetch(f"{self._folder(copy)}/{file.sha256}", target) == file.sha256
        except NotThere:
            raise Damaged(f"{file.name} is not there any more") from None
        if not same:
            target.unlink()
            raise Damaged(f"{file.name} is not as it was taken down")

    def discard(self, copy: str) -> None:
        """Remove a copy, out of sight in one step."""
        words = (self._folder(copy), f"{self._root}/forgotten", uuid4().hex)
        _sound(self._shell.ask(DISCARD, *words, timeout_s=PIECE_S))

    def _folder(self, copy: str) -> str:
        return f"{self._root}/checkpoints/{copy}"


def _sound(done: Completed) -> Completed:
    if done.exit_code:
        raise ShellError(f"its checkpoints: {done.said}")
    return done
