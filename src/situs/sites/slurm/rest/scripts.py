"""What is done in a site's folder where Slurm itself is driven by REST: as :mod:`situs.sites.slurm.folder`.

The host that does these needs the folder and nothing of Slurm.
"""

from __future__ import annotations

from situs.sites.slurm import folder

NO_FOLDER = 72
"""Exit code: this host does not see the folder."""

_THERE = r"""
# Made here, it would be another folder than that of the nodes.
[ -d "$1" ] || { echo "there is no folder $1" >&2; exit 72; }
"""

PREPARE = (
    folder.COMMON
    + _THERE
    + folder.ADMIT
    + folder.RECEIVE
    + r"""
keep_secrets
if [ -e submitting ]; then echo look; else : >submitting && echo new; fi
"""
)
"""Says ``done`` where there is a job, ``look`` where there may be one, ``new`` where there is none."""

TAKE = (
    folder.COMMON
    + folder.TAKE
    + r"""
cd "$1/runs/$2" || exit 73
[ -s job ] || take "$3"
"""
)

REFUSED = r"""
cd "$1/runs/$2" || exit 73
[ -s started ] || [ -s job ] || rm -f submitting secrets
"""

_LOOK = r"""
cd "$1/runs/$2" 2>/dev/null || exit 0
look() {
  [ ! -s ended ] || echo "ended $(cat ended)"
  [ ! -e stop ] || echo stop
  if [ -s started ]; then echo "id $(cat started)"
  elif [ -s job ]; then echo "id $(cat job)"
  elif [ -e submitting ]; then echo submitting
  fi
}
"""

LOOK = (
    folder.COMMON
    + _LOOK
    + r"""
look
"""
)

STOP = (
    folder.COMMON
    + _LOOK
    + r"""
[ ! -s ended ] && { [ -s started ] || [ -s job ] || [ -e submitting ]; } || exit 0
[ -e stop ] || { echo "$3" >"stop.$$" && mv "stop.$$" stop; } || exit 73
look
"""
)

SIGNAL = (
    folder.COMMON
    + r"""
cd "$1/runs/$2" 2>/dev/null || exit 0
[ -e pid ] && [ ! -e code ] && [ ! -s ended ] || exit 0
mkdir -p told && : >"told/$3" || exit 73
"""
)

HEALTH = folder.COMMON + _THERE + folder.FOLDER
