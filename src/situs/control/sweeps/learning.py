"""Where to draw next: a Gaussian process over parameters and steps, and what it expects to be gained where.

What every trial has reported by each rung is learned from, also by those that were ended early: steps are one more
dimension of the process, so that where trials go wrong early is known from many, and how far good ones come in the end
from the few that were let go on.  Values are made even by a power transform and lengths of scale found as the most
probable ones, as is usual (Cowen-Rivers and others, "HEBO", JAIR 2022); where others run already, what is expected of
them is taken for seen, so that no two try the same place (Ginsbourger and others, "kriging believer", 2010).

All of it is a function of what it is given, with the seed among that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.special import ndtr
from scipy.stats import yeojohnson

Numbers = NDArray[np.float64]
Place = tuple[float, ...]

MOST = 150
"""So many values are learned from at most, the last of them: the time it takes grows with the third power."""
LENGTH, LENGTH_SPREAD = math.log(0.5), 0.8
"""What lengths of scale are like before anything is known, as a share of each range: logarithm and its deviation."""
NOISE, NOISE_SPREAD = math.log(0.05), 1.0
SMALLEST = 1e-6


@dataclass(frozen=True)
class Seen:
    """What a trial has come to by a step."""

    place: Place
    step: int
    value: float
    """the less the better; infinite when it is no number"""


def gains(
    seen: Sequence[Seen], running: Sequence[Place], candidates: Sequence[Place], last_step: int
) -> Numbers:
    """How much each candidate is expected to gain at the last step over the best so far."""
    used = seen[-MOST:]
    at, values = _inputs(used, last_step), _even([each.value for each in used])
    process = _Process.of(at, values)
    whole = np.array([[*place, 1.0] for place in dict.fromkeys(each.place for each in used)])
    incumbent = float(np.min(process.predicted(whole)[0]))
    if running:
        there = np.array([[*place, 1.0] for place in running])
        process = process.believing(there, process.predicted(there)[0])
    mean, deviation = process.predicted(np.array([[*place, 1.0] for place in candidates]))
    z = (incumbent - mean) / deviation
    density = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return np.asarray(deviation * (z * ndtr(z) + density), dtype=np.float64)


def _inputs(seen: Sequence[Seen], last_step: int) -> Numbers:
    """Places with their steps, of which the last is 1, on a scale on which each rung is as far from the next."""
    whole = math.log(last_step + 1)
    return np.array([[*each.place, min(1.0, math.log(each.step + 1) / whole)] for each in seen])


def _even(values: Sequence[float]) -> Numbers:
    """Values of mean 0 and deviation 1, without a long tail; those that are no numbers are as bad as the worst."""
    given = np.asarray(values, dtype=np.float64)
    finite = given[np.isfinite(given)]
    if finite.size == 0:
        return np.zeros_like(given)
    given = np.where(np.isfinite(given), given, finite.max())
    if given.std() < SMALLEST * max(1.0, abs(float(given.mean()))):
        return np.zeros_like(given)
    evened, _ = yeojohnson((given - given.mean()) / given.std())
    return np.asarray((evened - evened.mean()) / max(float(evened.std()), SMALLEST), dtype=np.float64)


@dataclass(frozen=True)
class _Process:
    """A Gaussian process of mean 0 and deviation 1."""

    at: Numbers
    values: Numbers
    lengths: Numbers
    noise: float
    factor: Numbers
    weights: Numbers

    @classmethod
    def of(cls, at: Numbers, values: Numbers) -> _Process:
        """The most probable one."""
        count = at.shape[1]
        apart = np.abs(at[:, None, :] - at[None, :, :])
        usual = np.full(count + 1, LENGTH)
        usual[-1] = NOISE
        spread = np.full(count + 1, LENGTH_SPREAD)
        spread[-1] = NOISE_SPREAD

        def improbability(logs: Numbers) -> float:
            kernel = _matern(apart / np.exp(logs[:-1])) + (math.exp(2 * logs[-1]) + SMALLEST) * np.eye(
                len(at)
            )
            try:
                factor = cholesky(kernel, lower=True)
            except np.linalg.LinAlgError:
                return 1e9
            whitened = solve_triangular(factor, values, lower=True)
            prior = 0.5 * float(np.sum(((logs - usual) / spread) ** 2))
            return 0.5 * float(whitened @ whitened) + float(np.sum(np.log(np.diag(factor)))) + prior

        bounds = [(LENGTH - 3, LENGTH + 3)] * count + [(math.log(1e-3), 0.0)]
        found = minimize(improbability, usual, method="L-BFGS-B", bounds=bounds, options={"maxiter": 40}).x
        return cls._with(at, values, np.exp(found[:-1]), math.exp(found[-1]))

    @classmethod
    def _with(cls, at: Numbers, values: Numbers, lengths: Numbers, noise: float) -> _Process:
        kernel = _matern(np.abs(at[:, None, :] - at[None, :, :]) / lengths)
        factor = cholesky(kernel + (noise**2 + SMALLEST) * np.eye(len(at)), lower=True)
        return cls(at, values, lengths, noise, factor, cho_solve((factor, True), values))

    def believing(self, at: Numbers, values: Numbers) -> _Process:
        """The same with these taken for seen."""
        return self._with(np.vstack([self.at, at]), np.append(self.values, values), self.lengths, self.noise)

    def predicted(self, at: Numbers) -> tuple[Numbers, Numbers]:
        """Mean and deviation."""
        cross = _matern(np.abs(at[:, None, :] - self.at[None, :, :]) / self.lengths)
        left = solve_triangular(self.factor, cross.T, lower=True)
        variance = np.maximum(1.0 - np.sum(left * left, axis=0), SMALLEST)
        return cross @ self.weights, np.sqrt(variance)


def _matern(apart: Numbers) -> Numbers:
    """Matérn's kernel of 5/2."""
    distance = np.sqrt(5.0 * np.sum(apart * apart, axis=-1))
    return np.asarray((1.0 + distance + distance**2 / 3.0) * np.exp(-distance), dtype=np.float64)
