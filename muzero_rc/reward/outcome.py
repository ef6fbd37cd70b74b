"""Outcomes and opponents: what a rule compares.

A figure of an outcome is known for certain once an episode has ended; before that the critic and the
rate head give its distribution. Both answer the same two questions, so that a rule is written once for
both.

What is worth what is measured as reports measure it: against the controller's own encode of the same
instance at the same target, the *paired* one, at the rates that both had, in per cent of rate:

    gain = 100 * ((psnr - psnr_c) / slope - ln(rate / rate_c))

where `_c` is the paired encode and slope how many dB the instance gains when its rate grows by a factor
of e. So 1.0 means files 1 % smaller at the same quality, whatever share of the target was used.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

Number: TypeAlias = Any
"""A float, or an array of any shape that broadcasts with the others."""


class Figure(Protocol):
    """One final figure of an episode: a number, or a distribution of it."""

    def above(self, reference: Number, by: float = 0.0) -> Number:
        """Probability that the figure exceeds `reference` by more than `by`."""
        ...

    def below(self, reference: Number, by: float = 0.0) -> Number:
        """Probability that the figure falls short of `reference` by more than `by`."""
        ...

    def mean(self) -> Number:
        """Its expected value."""
        ...


@dataclass(frozen=True)
class Certain:
    """A figure that is known: every probability is 0 or 1."""

    value: float

    def above(self, reference: Number, by: float = 0.0) -> Number:
        """See `Figure.above`."""
        return 1.0 * (self.value - reference > by)

    def below(self, reference: Number, by: float = 0.0) -> Number:
        """See `Figure.below`."""
        return 1.0 * (reference - self.value > by)

    def mean(self) -> Number:
        """See `Figure.mean`."""
        return self.value


class Outlook(NamedTuple):
    """The final figures of an episode as far as they are known; the two are taken as independent.

    Attributes:
      worth: what the rule compares, in per cent of rate (`Rule.worth`).
      overshoot: rate / target - 1, at least 0.
    """

    worth: Figure
    overshoot: Figure


@dataclass(frozen=True)
class Outcome:
    """The final figures of an episode that has ended.

    Attributes:
      gain_db: luma PSNR above the clip's anchor curve at the target bitrate.
      overshoot: rate / target - 1, at least 0.
      gain: over the paired encode at the rates achieved, in per cent of rate; 0 until it is paired.
      quality: luma PSNR over the paired encode's, whatever the rates, also in per cent of rate.
      unused: share of the target that was left, beyond what the paired encode left, at least 0.
    """

    gain_db: float
    overshoot: float
    gain: float = 0.0
    quality: float = 0.0
    unused: float = 0.0


def outcome_of(rate_kbps: float, target_kbps: float, psnr_y_db: float, anchor_db: float) -> Outcome:
    """The outcome of an encode, not yet paired; `anchor_db` is the anchor curve's PSNR at the target."""
    return Outcome(psnr_y_db - anchor_db, max(0.0, rate_kbps / target_kbps - 1.0))


def gain_percent(
    rate_kbps: float, psnr_y_db: float, paired_kbps: float, paired_db: float, slope_db: float
) -> float:
    """Gain over the paired encode at the rates achieved, in per cent of rate; see the module.

    Args:
      rate_kbps: of the encode.
      psnr_y_db: likewise.
      paired_kbps: rate of the paired one.
      paired_db: its luma PSNR.
      slope_db: dB for each factor e of rate.
    """
    return 100.0 * ((psnr_y_db - paired_db) / slope_db - math.log(rate_kbps / paired_kbps))


class Opponent(NamedTuple):
    """Whom an episode meets; `Opponent()` is the paired encode where that keeps its target.

    Attributes:
      worth: average worth, in per cent of rate; the paired encode's own is 0.
      overshoot: average overshoot.
      episodes: how many of the agent's went in.
    """

    worth: Number = 0.0
    overshoot: Number = 0.0
    episodes: Number = 0
