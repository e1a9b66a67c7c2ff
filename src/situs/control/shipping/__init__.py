"""How the code of a run gets to its site.

::

    listing ─► snapshot    which files of a folder are sent, and the archive of them, named by its content
               checking    an archive that came from elsewhere: as situs packs it, or refused
               uploads     one on its way here, in parts, until all of it has arrived
               packages    which lock file says what Python packages it needs
               sending     the archive at the site, once, and the command that unpacks it for one run
               launch.sh   does that there, and makes or finds the environment of the packages
"""

from situs.control.shipping.packages import likely_lock, lock_digest
from situs.control.shipping.snapshot import LARGEST_BYTES, Snapshot, snapshot

__all__ = ["LARGEST_BYTES", "Snapshot", "likely_lock", "lock_digest", "snapshot"]
