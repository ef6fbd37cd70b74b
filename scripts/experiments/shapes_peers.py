"""What the networks of shapes are compared with: ridge regression, and gradient boosting."""

import importlib
from typing import Any

import numpy as np

from muzero_rc.shapes.credits import Sequences, less_group_means
from muzero_rc.shapes.fit import GREATEST_CREDIT, GREATEST_GAIN, LEAST_SPREAD, norm_of
from muzero_rc.shapes.left_out import Foresight, folds_of
from muzero_rc.types import Array

PENALTIES = tuple(10.0 ** np.arange(0.0, 5.5, 0.5))
INNER_FOLDS = 5


def _sums(data: Sequences, mean: Array, scale: Array) -> Array:
    """f8[N, F + 1]: scaled features by share of frames, frames without an alt-ref; less the clip's means."""
    scaled = (data.features - mean) * scale
    columns = [np.bincount(data.of, values * data.share, len(data.gain)) for values in scaled.T]
    return np.stack([less_group_means(values, data.group) for values in (*columns, data.tail)], 1)


def _solved(x: Array, y: Array, weight: Array, penalty: float) -> Array:
    """f8[F + 1]: least squares, weighted and penalised."""
    return np.asarray(np.linalg.solve((x.T * weight) @ x + penalty * np.eye(x.shape[1]), (x.T * weight) @ y))


def learn_linear(data: Sequences) -> Foresight:
    """Ridge regression of encodes' gains on sums of features; the penalty is that of the best inner folds."""
    mean, scale = norm_of(data)
    x = _sums(data, mean, scale)
    y = less_group_means(np.clip(data.gain, -GREATEST_GAIN, GREATEST_GAIN), data.group)
    spread = np.sqrt(np.bincount(data.group, y**2) / np.bincount(data.group))
    weight = np.maximum(spread, LEAST_SPREAD)[data.group] ** -2.0
    fold = folds_of(data, INNER_FOLDS)

    def error(penalty: float) -> float:
        off = np.zeros(len(y))
        for k in range(INNER_FOLDS):
            seen, rest = fold != k, fold == k
            off[rest] = y[rest] - x[rest] @ _solved(x[seen], y[seen], weight[seen], penalty)
        return float((weight * off**2).sum())

    solved = _solved(x, y, weight, min(PENALTIES, key=error))
    return lambda test: np.asarray(_sums(test, mean, scale) @ solved)


def learn_boosted(data: Sequences) -> Foresight:
    """Gradient boosting of GOPs' credits, by share of frames; needs scikit-learn."""
    ensemble: Any = importlib.import_module("sklearn.ensemble")
    credit = np.clip(data.credit, -GREATEST_CREDIT, GREATEST_CREDIT)
    trees = ensemble.HistGradientBoostingRegressor(
        learning_rate=0.05, max_iter=150, max_leaf_nodes=8, min_samples_leaf=100, random_state=0
    ).fit(data.features, credit, data.share)

    def say(test: Sequences) -> Array:
        return np.bincount(test.of, trees.predict(test.features) * test.share, len(test.gain))

    return say
