"""Self-competition taken literally, as recalled from Mandhane et al., arXiv:2202.06626."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from muzero_rc.reward.outcome import Number, Opponent, Outcome, Outlook
from muzero_rc.reward.rule import Rule, compare, moved

if TYPE_CHECKING:
    from muzero_rc.config.schema import RewardConfig


@dataclass(frozen=True)
class Paper(Rule):
    """No tolerances; every episode counts toward the averages of its clip and target.

    The first episode has no opponent: it is a draw, and becomes the opponent.

    Attributes:
      decay: share of the old average that a new episode leaves.
    """

    name: ClassVar[str] = "paper"
    per_target: ClassVar[bool] = True
    decay: float = 0.9

    @classmethod
    def of(cls, config: RewardConfig) -> Self:
        """See `Rule.of`; the paper has no tolerances to set."""
        return cls(config.decay)

    def expected_score(self, outlook: Outlook, opponent: Opponent) -> Number:
        """See `compare`; 0 where there is no opponent yet."""
        return (opponent.episodes > 0) * compare(outlook, opponent, overshoot_floor=0.0, draw_db=0.0)

    def advance(self, opponent: Opponent, outcome: Outcome) -> Opponent:
        """Every episode moves both averages."""
        if not opponent.episodes:
            return Opponent(outcome.gain_db, outcome.overshoot, 1)
        return Opponent(
            moved(opponent.gain_db, outcome.gain_db, self.decay),
            moved(opponent.overshoot, outcome.overshoot, self.decay),
            opponent.episodes + 1,
        )
