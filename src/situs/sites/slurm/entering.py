"""Going to a run on its node: a step of its job, started from the login node."""

from __future__ import annotations

TO_NODE = r"""
run=$1 how=$2 enter=$3
shift 3
set -- /bin/sh -c "$enter" sh "$run/work" "$@"
[ ! -e "$run/ended" ] || exec "$@"
[ -s "$run/started" ] || { echo 'it waits for its node, and can be entered once it runs' >&2; exit 75; }
# A step beside that of the run, which sees what is the run's. Nothing of the surroundings goes along.
exec env -i PATH="$PATH" HOME="${HOME:-/}" TERM="${TERM:-dumb}" ${SLURM_CONF:+SLURM_CONF="$SLURM_CONF"} \
  srun --jobid="$(cat "$run/started")" --overlap --nodes=1 --ntasks=1 --mpi=none --quiet --unbuffered "$how" "$@"
"""
