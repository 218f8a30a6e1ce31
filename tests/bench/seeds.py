"""Where the random numbers of the benchmark come from.

Whoever tunes the reader looks at pictures of ``TUNING`` only; ``make bench`` scores on ``SCORING``, which nobody tuned on.
"""

from __future__ import annotations

import numpy as np

TUNING, SCORING = 20_117, 80_651

EMPTY, PASSING, APPROACH, DUSK, BENT = range(5)
"""One stream of random numbers for each kind of picture."""


def stream(base: int, kind: int, *numbers: int) -> np.random.Generator:
    """Random numbers that depend on nothing but the arguments."""
    return np.random.default_rng([base, kind, *numbers])
