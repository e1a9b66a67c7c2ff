"""What people already have, as an intent: one module for each format, one kind of result.

An importer translates what means the same in both worlds.  What has no counterpart is *unmapped*, and what
situs must know but the source does not tell is *assumed*; both are listed, so that nothing is lost silently
and nothing is made up silently.
"""

from situs.intent.importing.result import Imported, Remark

__all__ = ["Imported", "Remark"]
