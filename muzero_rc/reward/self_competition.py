"""Self-competition with tolerances: the default rule.

After Mandhane et al., arXiv:2202.06626, mended in three places: a small overshoot counts as none, a
small difference of gains as a draw, and only episodes that fit enter the opponent's average gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from muzero_rc.reward.outcome import Number, Opponent, Outcome, Outlook
from muzero_rc.reward.rule import Rule, chance_to_fit, compare, moved

if TYPE_CHECKING:
    from muzero_rc.config.schema import RewardConfig


@dataclass(frozen=True)
class SelfCompetition(Rule):
    """One opponent for each clip, which begins as the anchor curve.

    Attributes:
      decay: share of the old average that a new episode leaves.
      overshoot_floor: an overshoot below counts as 0.
      draw_db: gains no further apart are a draw.
    """

    name: ClassVar[str] = "self-competition"
    decay: float = 0.9
    overshoot_floor: float = 0.002
    draw_db: float = 0.01

    @classmethod
    def of(cls, config: RewardConfig) -> Self:
        """See `Rule.of`."""
        return cls(config.decay, config.overshoot_tolerance, config.draw_db)

    def expected_score(self, outlook: Outlook, opponent: Opponent) -> Number:
        """See `compare`."""
        return compare(outlook, opponent, overshoot_floor=self.overshoot_floor, draw_db=self.draw_db)

    def advance(self, opponent: Opponent, outcome: Outcome) -> Opponent:
        """Every episode moves the average overshoot, one that fits the average gain as well."""
        fits = chance_to_fit(outcome.outlook().overshoot, self.overshoot_floor)
        return Opponent(
            moved(opponent.gain_db, outcome.gain_db, self.decay) if fits else opponent.gain_db,
            moved(opponent.overshoot, outcome.overshoot, self.decay),
            opponent.episodes + 1,
        )
