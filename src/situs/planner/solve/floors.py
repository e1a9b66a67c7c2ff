"""How far prices may fall in a market that some columns have been left out of.

To the columns that take part, a row that they cannot fill is worth nothing.  Those left out think otherwise: were
its price to fall to nothing, they would all be wanted at once, and the bound with it.  So prices fall only as far
as whatever was left out stays as dear as the best of its class.
"""

from __future__ import annotations

import numpy as np

from situs.planner.problem import Flags, Floats
from situs.planner.solve.frame import Frame
from situs.planner.solve.parts import PARTS, each_part
from situs.planner.solve.sweeps import find_falls


def floors(frame: Frame, near: Flags, usable: Flags, charged: Floats, margin: Floats, row: Floats) -> Floats:
    """(M,) down to where prices ``row`` may fall, all at once.

    ``near`` (J,) are the columns that take part, of those ``usable``; they cost ``charged`` with the rows they use,
    and one more unit of each class ``margin`` (I,).
    """
    fall = np.ones((PARTS, frame.rows))
    each_part(
        frame.starts,
        lambda part, begin, end: find_falls(
            begin, end, frame.starts, frame.uses_of, near, usable, charged, margin, row, fall[part]
        ),
    )
    result: Floats = row * (1.0 - fall.min(axis=0))
    return result
