"""Self-competition with tolerances: the default rule.

After Mandhane et al., arXiv:2202.06626, mended: what is compared is the gain at the achieved rate, as
reports measure it, with a small price for leaving much of the target unused; a small overshoot counts as
none, a small difference of gains as a draw; and only episodes that fit enter the opponent's average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from muzero_rc.reward.outcome import Certain, Number, Opponent, Outcome, Outlook
from muzero_rc.reward.rule import Rule, chance_to_fit, compare, moved

if TYPE_CHECKING:
    from muzero_rc.config.schema import RewardConfig


@dataclass(frozen=True)
class SelfCompetition(Rule):
    """One opponent for each instance and target, which begins as the paired encode.

    Attributes:
      decay: at most so much of the old average is left by a new episode; the first few count alike.
      overshoot_floor: an overshoot below counts as 0.
      draw: worths no further apart, in per cent of rate, are a draw.
      unused_free: share of the target that may be left, beyond what the paired encode leaves.
      unused_price: per cent of gain that each per cent of the target beyond that costs.
    """

    name: ClassVar[str] = "self-competition"
    decay: float = 0.9
    overshoot_floor: float = 0.002
    draw: float = 0.1
    unused_free: float = 0.05
    unused_price: float = 0.2

    @classmethod
    def of(cls, config: RewardConfig) -> Self:
        """See `Rule.of`."""
        return cls(
            config.decay,
            config.overshoot_tolerance,
            config.draw_percent,
            config.unused_free,
            config.unused_price,
        )

    def worth(self, outcome: Outcome) -> float:
        """The gain, less the price of a target that is far from used."""
        return outcome.gain - self.unused_price * 100.0 * max(0.0, outcome.unused - self.unused_free)

    def expected_score(self, outlook: Outlook, opponent: Opponent) -> Number:
        """See `compare`."""
        return compare(outlook, opponent, overshoot_floor=self.overshoot_floor, draw=self.draw)

    def advance(self, opponent: Opponent, outcome: Outcome) -> Opponent:
        """The average over the agent's episodes, of worth those that fit; the first replaces the paired."""
        fits = chance_to_fit(Certain(outcome.overshoot), self.overshoot_floor)
        decay = min(self.decay, opponent.episodes / (opponent.episodes + 1.0))
        return Opponent(
            moved(opponent.worth, self.worth(outcome), decay) if fits else opponent.worth,
            moved(opponent.overshoot, outcome.overshoot, decay),
            opponent.episodes + 1,
        )
