"""Outcomes and opponents: what a rule compares.

A figure of an outcome is known for certain once an episode has ended; before that the value heads
give its distribution. Both answer the same two questions, so that a rule is written once for both.
"""

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


@dataclass(frozen=True)
class Certain:
    """A figure that is known: every probability is 0 or 1."""

    value: float

    def above(self, reference: Number, by: float = 0.0) -> Number:
        """See `Figure.above`."""
        return float(self.value - reference > by)

    def below(self, reference: Number, by: float = 0.0) -> Number:
        """See `Figure.below`."""
        return float(reference - self.value > by)


class Outlook(NamedTuple):
    """The final figures of an episode as far as they are known; the two are taken as independent.

    Attributes:
      gain_db: luma PSNR above the clip's anchor curve at the target bitrate.
      overshoot: rate / target - 1, at least 0.
    """

    gain_db: Figure
    overshoot: Figure


@dataclass(frozen=True)
class Outcome:
    """The final figures of an episode that has ended.

    Attributes:
      gain_db: luma PSNR above the clip's anchor curve at the target bitrate.
      overshoot: rate / target - 1, at least 0.
    """

    gain_db: float
    overshoot: float

    def outlook(self) -> Outlook:
        """The same, as a rule takes it."""
        return Outlook(Certain(self.gain_db), Certain(self.overshoot))


def outcome_of(rate_kbps: float, target_kbps: float, psnr_y_db: float, anchor_db: float) -> Outcome:
    """The outcome of an encode; `anchor_db` is the anchor curve's PSNR at the target."""
    return Outcome(psnr_y_db - anchor_db, max(0.0, rate_kbps / target_kbps - 1.0))


class Opponent(NamedTuple):
    """The moving average of past episodes; `Opponent()` is the anchor itself, which always fits.

    Attributes:
      gain_db: average gain.
      overshoot: average overshoot.
      episodes: how many went in.
    """

    gain_db: Number = 0.0
    overshoot: Number = 0.0
    episodes: Number = 0
