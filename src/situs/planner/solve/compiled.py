"""Inner loops compiled to machine code.

Numba and the compiler it brings weigh 180 MB.  They earn it: local search and pricing over millions of columns run
fifty times faster than in the interpreter, and no compiler is needed to install them.  What is compiled is kept
beside the source, so that only the first plan ever waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """The function as machine code: only numbers and arrays may go in and out; sums keep their order."""
    return cast(Callable[P, R], numba.njit(cache=True, fastmath=False, nogil=True)(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """The same for what stands in the innermost loops of others: it becomes part of whatever calls it."""
    return cast(Callable[P, R], numba.njit(inline="always")(function))
