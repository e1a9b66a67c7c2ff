"""A host whose runs are started by the keeper that stands on it, and not by whoever logs in."""

from __future__ import annotations

from situs.sites import posix
from situs.sites.adapter import Key
from situs.sites.posix import PosixHost
from situs.sites.shell import Completed, Shell

SEEN = 'touch "$1/seen" 2>/dev/null; shift; ' + posix.CALL
"""Says to the keeper that somebody still looks after the machine."""
ORDER = r"""
: >"$1/seen" || exit 70
umask 077
root=$1
shift
[ -f "$2" ] || exit 97
alive() { kill -0 "$(cat "$root/keeper")" 2>/dev/null; }
alive || { echo 'the keeper of this machine has ended' >&2; exit 70; }
# A new one each time: what came of an order whose answer was lost is of no use to anybody.
order=$(mktemp -d "$root/order.XXXXXXXXXX") && mkfifo "$order/in" || exit 70
printf '%s\0' env "SITUS_SH=$1" "$@" >"$order/words" || exit 70
# Opened for both, as a pipe that nobody reads would hold us for ever.
echo "${order##*.}" 1<>"$root/orders"
exec 4<&0
cat <&4 >"$order/in" &
while [ ! -e "$order/code" ]; do
  # What waits for it to read would wait for ever.
  alive || { kill $! 2>/dev/null; rm -rf "$order"; echo 'the keeper of this machine has ended' >&2; exit 70; }
  sleep 0.05 2>/dev/null || sleep 1
done
cat "$order/out"
cat "$order/err" >&2
read -r code <"$order/code"
rm -rf "$order"
exit "$code"
"""
FETCHED = r"""
: >"$1/runs/$2/fetched" && touch "$1/seen"
"""


class KeptHost(PosixHost):
    """One host with a keeper."""

    def __init__(self, shell: Shell, folder: str) -> None:
        """``folder``: the keeper's own, an absolute path."""
        super().__init__(shell, folder)
        self._kept = folder

    def fetched(self, key: Key) -> None:
        """Say that its end and its output are known elsewhere: the machine is not kept for them any more."""
        self._shell.ask(FETCHED, self._kept, posix.name_of(key))

    def _asked(self, words: tuple[str, ...], stdin: bytes) -> Completed:
        script = ORDER if words[2] == "start" else SEEN
        return self._shell.ask(script, self._kept, *words, stdin=stdin)
