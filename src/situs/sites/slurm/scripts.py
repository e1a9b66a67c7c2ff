"""What is done on a login node with Slurm's own commands, in POSIX sh: each script is one step that is safe to repeat.

Slurm's commands wait long for a controller that is away; here they get so many seconds and no more.
"""

from __future__ import annotations

from situs.sites.slurm.folder import ADMIT, COMMON, FOLDER, RECEIVE, TAKE

_SLURM = (
    COMMON
    + r"""
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
)

START = (
    _SLURM
    + ADMIT
    + RECEIVE
    + TAKE
    + r"""
name=$1 wrapped=$2
shift 2
if [ -e submitting ]; then
  # An answer was lost: it may have been submitted.
  ids=$(slurm squeue --noheader --states=all --user="$(id -un)" --name="$name" --format=%A 2>why.submit) || {
    said why.submit >&2
    exit 75
  }
  for id in $ids; do take "$id"; exit 0; done
fi
: >submitting
keep_secrets
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
    _SLURM
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

STOP = (
    _SLURM
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
    _SLURM
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

HEALTH = (
    _SLURM
    + r"""
date +%s.%N
"""
    + FOLDER
    + r"""
command -v sbatch >/dev/null && command -v timeout >/dev/null && command -v setsid >/dev/null || exit 69
slurm scontrol ping >/dev/null 2>why.$$ || { code=$?; cat why.$$; rm -f why.$$; exit 75; }
rm -f why.$$
shift
slurm sinfo --noheader --Node --format=%T "$@" 2>&1 || exit 75
"""
)

INVENTORY = (
    _SLURM
    + r"""
slurm sinfo --noheader --Node --exact --format='node|%N|%T|%c|%m|%G' "$@" || exit 75
slurm scontrol show config | sed -n 's/^\(ProctrackType\|TaskPlugin\) *= */config|/p'
"""
)
