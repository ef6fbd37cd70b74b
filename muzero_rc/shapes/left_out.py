"""How well a fit foresees what it has not seen: clips are dealt into folds, an original's all into one."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from muzero_rc.shapes.credits import Sequences, less_group_means
from muzero_rc.shapes.fit import GREATEST_GAIN, SHIPPED, FitSettings, fit_all, gains_said
from muzero_rc.types import Array

Foresight = Callable[[Sequences], Array]
"""Says f8[N] of the gains of N encodes; where it says f8[N, K], it is K of them at once."""


def original_of(clip: str) -> str:
    """What clips that were cut out of one video share: the name without its number."""
    return re.sub(r"-\d+$", "", clip)


def originals(clips: Iterable[str]) -> list[str]:
    """Of clips by name, each once, in order."""
    return sorted({original_of(clip) for clip in clips})


@dataclass(frozen=True)
class LeftOut:
    """How a fit does on clips that it did not see.

    Attributes:
      correlation: of foreseen and measured gains inside a clip at a target, mean over these.
      r2: share of their variance inside clips that is foreseen; below 0 where nothing foreseen is better.
    """

    correlation: float
    r2: float

    def __str__(self) -> str:
        return f"left out: correlation inside a clip {self.correlation:+.3f}, R2 {self.r2:+.3f}"


def folds_of(data: Sequences, folds: int) -> Array:
    """i4[N]: the fold of each encode; clips of one original are in one fold."""
    order = np.random.default_rng(0).permutation(originals(data.clip.tolist())).tolist()
    return np.array([order.index(original_of(one)) % folds for one in data.clip.tolist()])


def said_by_folds(
    data: Sequences, folds: int, learn: Callable[[Sequences], Foresight], lessons: Sequences | None = None
) -> Array:
    """What is said of each encode by what has learned from the other folds.

    Args:
      data: of as many originals as there are folds, or more.
      folds: 2 or more.
      learn: from encodes.
      lessons: what is learned from, of the same originals; None: `data`.
    """
    lessons = data if lessons is None else lessons
    fold, fold_of_lessons = folds_of(data, folds), folds_of(lessons, folds)
    said = [learn(lessons.only(fold_of_lessons != k))(data.only(fold == k)) for k in range(folds)]
    found = np.zeros((len(data.gain), *said[0].shape[1:]))
    for k, values in enumerate(said):
        found[fold == k] = values
    return found


def drawn(data: Sequences, clips: int, draw: int = 0) -> Sequences:
    """The encodes of so many of its clips."""
    names = np.random.default_rng(draw).permutation(sorted(set(data.clip)))
    return data.only(np.isin(data.clip, names[:clips]))


def correlations(said: Array, data: Sequences) -> Array:
    """f8[G]: of what is said and what was gained, inside each group; NaN where nothing differs."""
    gain = np.clip(data.gain, -GREATEST_GAIN, GREATEST_GAIN)
    found = np.full(data.group.max() + 1, np.nan)
    for g in range(len(found)):
        own = data.group == g
        if gain[own].std() > 0 and said[own].std() > 0:
            found[g] = np.corrcoef(said[own], gain[own])[0, 1]
    return found


def squares(said: Array, data: Sequences) -> tuple[Array, Array]:
    """f8[G] twice: sums of squares inside each group of what was not foreseen, and of all gains."""
    gain = np.clip(data.gain, -GREATEST_GAIN, GREATEST_GAIN)
    rest, every = (less_group_means(values, data.group) ** 2 for values in (gain - said, gain))
    return np.bincount(data.group, rest), np.bincount(data.group, every)


def judged(said: Array, data: Sequences) -> LeftOut:
    """How good it is, f8[N] of what is said."""
    rest, every = squares(said, data)
    return LeftOut(float(np.nanmean(correlations(said, data))), 1.0 - float(rest.sum()) / float(every.sum()))


def left_out(
    data: Sequences, folds: int, clips: int | None = None, settings: FitSettings = SHIPPED
) -> LeftOut:
    """How the fit does on clips that it did not see.

    Args:
      data: of as many originals as there are folds, or more.
      folds: 2 or more.
      clips: of the other folds, drawn, that each fit may see; None: all.
      settings: of the fit.
    """

    def learn(seen: Sequences) -> Foresight:
        fitted = fit_all(seen if clips is None else drawn(seen, clips), settings)
        return lambda test: gains_said(*fitted, test)

    return judged(said_by_folds(data, folds, learn), data)
