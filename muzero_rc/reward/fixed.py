"""The fixed opponent: the controller's paired encode for ever."""

from dataclasses import dataclass
from typing import ClassVar

from muzero_rc.reward.outcome import Opponent, Outcome
from muzero_rc.reward.self_competition import SelfCompetition


@dataclass(frozen=True)
class Fixed(SelfCompetition):
    """Compares as self-competition does, against an opponent that never learns."""

    name: ClassVar[str] = "fixed"

    def advance(self, opponent: Opponent, outcome: Outcome) -> Opponent:
        """The opponent stays as it is."""
        return opponent
