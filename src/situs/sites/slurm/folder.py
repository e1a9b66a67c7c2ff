"""What any host that sees a site's folder does there, in POSIX sh: each script is one step, and safe to repeat.

The site's folder lies where the nodes see it too:

* ``runs/KEY/``: ``run.sh`` (environment and command, for the owner's eyes only), ``secrets`` (likewise, from the
  submission until the run has begun, as a node has no other way to get them), ``work/``, ``output.log``,
  ``submitting`` and ``job`` (before and after a submission), ``started``, ``stop``, ``ended``;
* ``newest/UNIT/GENERATION``: an empty file for the highest generation that was seen;
* ``forgotten/``: what is about to be removed.
"""

from __future__ import annotations

AWAY, REFUSED, STALE, BUSY, NOT_THERE = 75, 70, 76, 69, 66
"""Exit codes: no answer from the controller; it said no; a higher generation is known; still runs; no such file."""

COMMON = r"""
set -u
umask 077
"""

ADMIT = r"""
admit() { # folder of the unit, generation
  mkdir -p "$1" && : >"$1/$2" || exit 73
  newest=$2
  for seen in "$1"/*; do
    seen=${seen##*/}
    if [ "$seen" -gt "$newest" ]; then newest=$seen; fi
  done
  for seen in "$1"/*; do
    if [ "${seen##*/}" -lt "$newest" ]; then rm -f "$seen"; fi
  done
  if [ "$newest" -gt "$2" ]; then echo "$newest"; exit 76; fi
}
"""

FENCE = (
    COMMON
    + ADMIT
    + r"""
admit "$1/newest/$2" "$3"
"""
)

RECEIVE = r"""
root=$1 unit=$2 generation=$3 key=$4 size=$5 total=$6
shift 6
admit "$root/newest/$unit" "$generation"
run=$root/runs/$key
mkdir -p "$run/work" && cd "$run" || exit 73
# Whoever asks at the same time waits for this answer. Without locks the nodes still let only one job run.
exec 9>>lock
if command -v flock >/dev/null && ! flock -w 60 9; then
  echo 'somebody else has been submitting this for a minute' >&2
  exit 75
fi
if [ -s started ] || [ -s job ]; then echo done; exit 0; fi
trap 'rm -f "sent.$$"' EXIT
cat >"sent.$$" || exit 73
# Who sends it may die in the middle of it; half of it must never run.
if [ "$(wc -c <"sent.$$")" -ne "$total" ]; then
  echo 'the script of the run did not arrive whole' >&2
  exit 75
fi
if [ ! -e run.sh ]; then
  head -c "$size" "sent.$$" >run.sh.new && mv run.sh.new run.sh || exit 73
fi
keep_secrets() {
  [ "$total" -gt "$size" ] || return 0
  tail -c "+$((size + 1))" "sent.$$" >secrets.new && mv secrets.new secrets || exit 73
}
"""

TAKE = r"""
take() { echo "$1" >"job.$$" && sync "job.$$" 2>/dev/null; mv "job.$$" job; }
"""

FOLDER = r"""
mkdir -p "$1/runs" && : >"$1/.writable" && rm -f "$1/.writable" || exit 73
df -Pk "$1" 2>/dev/null | { read -r line; read -r name size used free rest; echo "${free:--}"; }
ls -ld "$1/runs" | cut -c 1-10
"""

SETTLE = (
    COMMON
    + r"""
cd "$1/runs/$2" 2>/dev/null || exit 0
[ ! -s ended ] || [ "$3" ] || exit 0
rm -f secrets sent.*
printf '%s\n' "$4" >"settled.$$" || exit 73
if [ "$3" ] && grep -q '"site"' ended; then mv "settled.$$" ended
else ln "settled.$$" ended 2>/dev/null; rm -f "settled.$$"
fi
"""
)

KNOWN = r"""
cd "$1/runs" 2>/dev/null || exit 0
for run in *@*; do [ ! -d "$run" ] || echo "$run"; done
"""

FORGET = r"""
umask 077
cd "$1" || exit 0
if [ -d "runs/$2" ]; then
  # Out of sight in one step: half a folder would look like a run that never was.
  mkdir -p forgotten && mv "runs/$2" "forgotten/$3" || exit 73
fi
rm -rf forgotten
"""

RESOLVE = r"""
work=$(readlink -f "$1") && path=$(readlink -f "$1/$2") || exit 66
case $path in "$work"/*) ;; *) exit 70 ;; esac
[ -f "$path" ] || exit 66
echo "$path"
"""
