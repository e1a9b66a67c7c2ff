"""What is done on a login node, in POSIX sh: each script is one step that is safe to repeat.

The site's folder lies where the nodes see it too:

* ``runs/KEY/``: ``run.sh`` (environment and command, for the owner's eyes only), ``secrets`` (likewise, from the
  submission until the run has begun, as a node has no other way to get them), ``work/``, ``output.log``,
  ``submitting`` and ``job`` (before and after a submission), ``started``, ``stop``, ``ended``;
* ``newest/UNIT/GENERATION``: an empty file for the highest generation that was seen;
* ``forgotten/``: what is about to be removed.

Slurm's commands wait long for a controller that is away; here they get so many seconds and no more.
"""

from __future__ import annotations

AWAY, REFUSED, STALE, BUSY, NOT_THERE = 75, 70, 76, 69, 66
"""Exit codes: no answer from the controller; it said no; a higher generation is known; still runs; no such file."""

_COMMON = r"""
set -u
umask 077
slurm() { timeout 8 "$@" </dev/null 9>&-; }
# One controller's silence must not be taken for another's no.
away() {
  case $1 in
  *[Uu]'nable to contact'*|*'timed out'*|*'onnection refused'*|*'ommunication connection failure'*|\
  *'Zero Bytes'*|*'temporarily unable'*|*'Transport endpoint'*|'') return 0 ;;
  esac
  return 1
}
said() { if [ -s "$1" ]; then tr '\n' ' ' <"$1"; else echo 'nothing within 8 s'; fi; }
"""

_ADMIT = r"""
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
    _COMMON
    + _ADMIT
    + r"""
admit "$1/newest/$2" "$3"
"""
)

START = (
    _COMMON
    + _ADMIT
    + r"""
root=$1 unit=$2 generation=$3 key=$4 name=$5 wrapped=$6 size=$7 total=$8
shift 8
admit "$root/newest/$unit" "$generation"
run=$root/runs/$key
mkdir -p "$run/work" && cd "$run" || exit 73
# Whoever asks at the same time waits for this answer. Without locks the nodes still let only one job run.
exec 9>>lock
if command -v flock >/dev/null && ! flock -w 60 9; then
  echo 'somebody else has been submitting this for a minute' >&2
  exit 75
fi
if [ -s started ] || [ -s job ]; then exit 0; fi
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
take() { echo "$1" >job.new && sync job.new 2>/dev/null; mv job.new job; }
if [ -e submitting ]; then
  # An answer was lost: it may have been submitted.
  ids=$(slurm squeue --noheader --states=all --user="$(id -un)" --name="$name" --format=%A 2>why.submit) || {
    said why.submit >&2
    exit 75
  }
  for id in $ids; do take "$id"; exit 0; done
fi
: >submitting
if [ "$total" -gt "$size" ]; then
  tail -c "+$((size + 1))" "sent.$$" >secrets.new && mv secrets.new secrets || exit 73
fi
rm -f "sent.$$"
# Nothing of the surroundings goes along: neither secrets nor what would take minutes to set up on the node.
id=$(timeout 40 env -i PATH="$PATH" HOME="${HOME:-/}" ${SLURM_CONF:+SLURM_CONF="$SLURM_CONF"} \
  sbatch --parsable --export=ALL --job-name="$name" --chdir="$run" --output="$run/slurm.log" --open-mode=append \
  "$@" --wrap="$wrapped" </dev/null 9>&- 2>why.submit)
code=$?
if [ $code = 0 ] && [ "$id" ]; then take "${id%%;*}"; exit 0; fi
said why.submit >&2
if [ $code = 124 ] || away "$(cat why.submit)"; then exit 75; fi
rm -f submitting secrets
exit 70
"""
)

_JOB = r"""
# The number of the job that runs this, or will.
job() {
  if [ -s started ]; then cat started
  elif [ -s job ]; then cat job
  elif [ -e submitting ]; then
    slurm squeue --noheader --states=all --user="$(id -un)" --name="$1" --format=%A 2>why.look | head -n 1
  fi
}
"""

STATUS = (
    _COMMON
    + _JOB
    + r"""
cd "$1/runs/$2" 2>/dev/null || exit 0
tell_end() {
  [ -s ended ] || return 0
  echo "ended $(cat ended)"
  case $(cat ended) in *'"site"'*) ;; *) exit 0 ;; esac
}
tell_end
[ ! -e stop ] || echo stop
id=$(job "$3")
[ "$id" ] || exit 0
echo "id $id"
if line=$(slurm scontrol --oneliner show job "$id" 2>why.look); then
  echo "now $(date +%Y-%m-%dT%H:%M:%S)"
  echo "job $line"
elif grep -q 'Invalid job id' why.look; then
  line=$(slurm sacct --noheader --parsable2 --allocations --jobs="$id" --format=State,ExitCode,End 2>/dev/null)
  if [ "$line" ]; then echo "past $line"; else echo unknown; fi
else
  said why.look >&2
  exit 75
fi
# It may have ended while Slurm was asked.
tell_end
"""
)

SETTLE = (
    _COMMON
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

STOP = (
    _COMMON
    + _JOB
    + r"""
cd "$1/runs/$2" 2>/dev/null || exit 0
[ ! -s ended ] || exit 0
id=$(job "$3")
[ "$id" ] || exit 0
[ -e stop ] || { echo "$4" >"stop.$$" && mv "stop.$$" stop; }
if [ "$5" = hard ]; then
  slurm scancel "$id" 2>why.stop || { said why.stop >&2; exit 75; }
  exit 0
fi
state=$(slurm squeue --noheader --jobs="$id" --format=%T 2>why.stop) || {
  grep -q 'Invalid job id' why.stop && exit 0
  said why.stop >&2
  exit 75
}
case $state in
RUNNING|COMPLETING|'')
  # Before it listens it looks for the request itself.
  [ ! -e pid ] || slurm scancel --batch --signal=USR1 "$id" 2>/dev/null ;;
*) slurm scancel "$id" 2>why.stop || { said why.stop >&2; exit 75; } ;;
esac
exit 0
"""
)

SIGNAL = (
    _COMMON
    + r"""
cd "$1/runs/$2" 2>/dev/null || exit 0
[ -e pid ] && [ ! -e code ] && [ ! -s ended ] || exit 0
id=$(cat started) || exit 0
slurm scancel --batch --signal="$3" "$id" 2>why.signal && exit 0
grep -Eq 'Invalid job id|already completing|already completed' why.signal && exit 0
said why.signal >&2
exit 75
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

HEALTH = (
    _COMMON
    + r"""
date +%s.%N
mkdir -p "$1/runs" && : >"$1/.writable" && rm -f "$1/.writable" || exit 73
df -Pk "$1" 2>/dev/null | { read -r line; read -r name size used free rest; echo "${free:--}"; }
ls -ld "$1/runs" | cut -c 1-10
command -v sbatch >/dev/null && command -v timeout >/dev/null && command -v setsid >/dev/null || exit 69
slurm scontrol ping >/dev/null 2>why.$$ || { code=$?; cat why.$$; rm -f why.$$; exit 75; }
rm -f why.$$
shift
slurm sinfo --noheader --Node --format=%T "$@" 2>&1 || exit 75
"""
)

INVENTORY = (
    _COMMON
    + r"""
slurm sinfo --noheader --Node --exact --format='node|%N|%T|%c|%m|%G' "$@" || exit 75
slurm scontrol show config | sed -n 's/^\(ProctrackType\|TaskPlugin\) *= */config|/p'
"""
)
