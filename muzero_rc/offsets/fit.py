"""The fit: gains as a quadratic function of the moves, by ridge regression, and where it is highest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from muzero_rc.offsets.designs import SPREAD

_FARTHEST_GAIN = 30.0  # per cent of rate: what lies beyond is cut, it is one clip's oddity
_CLIP_PENALTY, _SLOPE_PENALTY, _CURVE_PENALTY = 1.0, 4.0, 8.0
_LEAST_FALL = 0.15  # per cent of rate that a move of one spread costs at least, beyond the best one
_FARTHEST = 2.0  # spreads: no move goes farther than this from where designs were


@dataclass(frozen=True)
class Fitted:
    """What designs tell.

    Attributes:
      moves: the best, by constant.
      worth: of them all over none, as the fit sees it, per cent of rate: too much, for it was chosen by.
      slopes: per cent of rate for each spread of a constant, at no move, and their standard errors.
      noise: standard deviation of one encode's gain that the fit does not tell.
    """

    moves: Mapping[str, float]
    worth: float
    slopes: Mapping[str, tuple[float, float]]
    noise: float


def fit_moves(rows: Sequence[Mapping[str, Any]]) -> Fitted:
    """Fits to the rows of scans of designs.

    An effect for each clip, one of the target's place, and linear and squared terms of each move, each shrunk
    towards 0. The best move of each constant is where its parabola is highest, times the share of its
    squared slope that is more than noise (as James and Stein shrink means).

    Args:
      rows: at least one; see `muzero_rc.offsets.scan`.
    """
    names = list(SPREAD)
    clips = sorted({row["clip"] for row in rows})
    gain = np.clip([row["gain"] for row in rows], -_FARTHEST_GAIN, _FARTHEST_GAIN)
    clip = np.array([clips.index(row["clip"]) for row in rows])
    moves = np.array([[row["moves"].get(name, 0.0) / SPREAD[name] for name in names] for row in rows])
    at = np.array([row["place"] for row in rows])[:, None] - 0.5
    common = np.concatenate([np.ones_like(at), at, at**2], axis=1)
    design = np.concatenate([common, np.eye(len(clips))[clip], moves, moves**2], axis=1)
    penalty = [*[1e-6] * common.shape[1], *[_CLIP_PENALTY] * len(clips)]
    penalty += [*[_SLOPE_PENALTY] * len(names), *[_CURVE_PENALTY] * len(names)]
    inverse = np.linalg.inv(design.T @ design + np.diag(penalty))
    solution = inverse @ design.T @ gain
    first = common.shape[1] + len(clips)
    linear, squared = np.split(solution[first:], 2)
    noise = float(np.std(gain - design @ solution))
    errors = noise * np.sqrt(np.diag(inverse))[first : first + len(names)]
    fall = np.maximum(-squared, _LEAST_FALL)
    centre = moves.mean(axis=0)
    told = np.maximum(0.0, 1.0 - (errors / np.where(linear == 0.0, errors, linear)) ** 2)
    best = np.clip(told * linear / (2.0 * fall), centre - _FARTHEST, centre + _FARTHEST)
    return Fitted(
        moves={name: round(float(move * SPREAD[name]), 4) for name, move in zip(names, best, strict=True)},
        worth=float(np.sum(linear * best - fall * best**2)),
        slopes={name: (float(a), float(e)) for name, a, e in zip(names, linear, errors, strict=True)},
        noise=noise,
    )
