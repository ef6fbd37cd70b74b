"""The fit: gains as a quadratic function of the moves, by robust ridge regression, and its maximum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from muzero_rc.offsets.designs import SPREAD

_FARTHEST_GAIN = 60.0  # per cent of rate: what lies beyond is cut
_CLIP_PENALTY, _PAIR_PENALTY, _SLOPE_PENALTY, _CURVE_PENALTY = 1.0, 0.2, 4.0, 8.0
_USUAL_CURVE = -0.3  # per cent of rate that a move of one spread costs beyond the best one
_LEAST_FALL = 0.15  # the same, at least
_FARTHEST = 2.0  # spreads: no move goes farther than this from where designs were
_HUBER = 1.5  # in spreads of the residuals: what is farther off counts linearly
_NORMAL = 1.4826  # standard deviation over median absolute deviation, of a normal distribution
_EFFECTS_EAT = 1.4  # by which effects of pairs make residuals smaller than the noise: about sqrt(2)
_ITERATIONS = 12

Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Fitted:
    """What designs tell.

    Attributes:
      moves: the best, by constant.
      worth: of them all over none, as the fit sees it, per cent of rate: too much, for it was chosen by.
      slopes: per cent of rate for each spread of a constant, at no move, and their standard errors.
      noise: standard deviation of one encode's gain that the fit does not tell, outliers left out.
    """

    moves: Mapping[str, float]
    worth: float
    slopes: Mapping[str, tuple[float, float]]
    noise: float


def fit_moves(rows: Sequence[Mapping[str, Any]]) -> Fitted:
    """Fits to the rows of scans of designs.

    Effects of clips, of pairs and of the target's place, and linear and squared terms of each move, each
    shrunk towards what is usual; outliers count linearly (Huber's weights), for where a clip's quality
    hardly grows with the rate its gains are enormous. The best move of each constant is where its parabola
    is highest, times the share of its squared slope that is more than noise (as James and Stein shrink).

    Args:
      rows: at least one; see `muzero_rc.offsets.scan`.
    """
    names = list(SPREAD)
    moves = np.array([[row["moves"].get(name, 0.0) / SPREAD[name] for name in names] for row in rows])
    gain = np.clip([row["gain"] for row in rows], -_FARTHEST_GAIN, _FARTHEST_GAIN)
    solution, errors, noise = _regression(*_terms(rows, moves), gain)
    linear, squared = np.split(solution[-2 * len(names) :], 2)
    linear_errors = errors[-2 * len(names) : -len(names)]
    fall = np.maximum(-squared, _LEAST_FALL)
    told = np.maximum(0.0, 1.0 - (linear_errors / np.where(linear == 0.0, linear_errors, linear)) ** 2)
    centre = moves.mean(axis=0)
    best = np.clip(told * linear / (2.0 * fall), centre - _FARTHEST, centre + _FARTHEST)
    slopes = zip(names, linear, linear_errors, strict=True)
    return Fitted(
        moves={name: round(float(move * SPREAD[name]), 4) for name, move in zip(names, best, strict=True)},
        worth=float(np.sum(linear * best - fall * best**2)),
        slopes={name: (float(slope), float(error)) for name, slope, error in slopes},
        noise=noise,
    )


def _terms(rows: Sequence[Mapping[str, Any]], moves: Floats) -> tuple[Floats, Floats, Floats]:
    """The regression's columns [encodes, terms]; their penalties and what they are shrunk to, [terms]."""
    place = np.array([row["place"] for row in rows])[:, None] - 0.5
    clips = _indicators([row["clip"] for row in rows])
    pairs = _indicators([(row["round"], row["number"] // 2) for row in rows])
    columns = [np.ones_like(place), place, place**2, clips, pairs, moves, moves**2]
    penalties = [1e-6, 1e-6, 1e-6, _CLIP_PENALTY, _PAIR_PENALTY, _SLOPE_PENALTY, _CURVE_PENALTY]
    usual = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, _USUAL_CURVE]
    widths = [column.shape[1] for column in columns]
    return np.concatenate(columns, axis=1), np.repeat(penalties, widths), np.repeat(usual, widths)


def _indicators(groups: Sequence[Any]) -> Floats:
    """[encodes, groups]: 1 where an encode is of a group."""
    order = {group: i for i, group in enumerate(sorted(set(groups)))}
    return np.eye(len(order))[[order[group] for group in groups]]


def _regression(terms: Floats, penalty: Floats, usual: Floats, gain: Floats) -> tuple[Floats, Floats, float]:
    """Ridge regression with Huber's weights: the solution, its standard errors, and the noise."""
    weight, noise = np.ones(len(gain)), 0.0
    for _ in range(_ITERATIONS):
        matrix = terms.T @ (weight[:, None] * terms) + np.diag(penalty)
        solution = np.linalg.solve(matrix, terms.T @ (weight * gain) + penalty * usual)
        off = np.abs(gain - terms @ solution)
        noise = _EFFECTS_EAT * _NORMAL * float(np.median(off))
        weight = np.minimum(1.0, _HUBER * noise / np.maximum(off, 1e-9))
    return solution, noise * np.sqrt(np.diag(np.linalg.inv(matrix))), noise
