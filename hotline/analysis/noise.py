"""Noise: exact counts in, noisy ones out, by OpenDP's discrete Laplace mechanism on integers.

No float ever meets a count before the noise is in, so nothing leaks through rounding; the random
bits are the operating system's. NumPy's generators have no place here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hotline.analysis.domain import Ints
from hotline.analysis.policy import Spent
from hotline.errors import HotlineError


class TooLittleNoise(HotlineError):
    """The mechanism proves less privacy than the policy promises."""

    code = "too_little_noise"
    message = "The noise of a table does not keep what the policy promises."
    hint = "Nothing was released. Check release.toml and the installed version of opendp."


def mechanism(spent: Spent) -> Any:
    """OpenDP's measurement: a vector of counts → the same with noise. Its ``map`` gives the
    epsilon it proves for a difference of ``sensitivity``. Raises TooLittleNoise."""
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_laplace
    from opendp.metrics import l1_distance
    from opendp.mod import enable_features

    enable_features("contrib")
    made: Any = make_laplace(
        vector_domain(atom_domain(T="i64")), l1_distance(T="i64"), scale=spent.scale
    )
    # The map is rounded towards less privacy: it may stand the last bit of a double above.
    proved: float = made.map(spent.sensitivity)
    if proved > spent.epsilon * (1 + 1e-12):
        raise TooLittleNoise
    return made


def noisy(counts: Ints, spent: Spent) -> Ints:
    """A table with noise in every cell, zeros too; 6 µs a cell."""
    drawn = mechanism(spent)(counts.ravel().tolist())
    return np.array(drawn, dtype=np.int64).reshape(counts.shape)


def variance(scale: float) -> float:
    """Of discrete Laplace noise of this scale."""
    ratio = float(np.exp(-1 / scale))
    return 2 * ratio / (1 - ratio) ** 2
