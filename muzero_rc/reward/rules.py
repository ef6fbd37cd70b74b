"""The reward rules by name. A new rule is one file beside this one, and its class in this list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from muzero_rc.reward.fixed import Fixed
from muzero_rc.reward.lagrangian import Lagrangian
from muzero_rc.reward.paper import Paper
from muzero_rc.reward.rule import Rule
from muzero_rc.reward.self_competition import SelfCompetition

if TYPE_CHECKING:
    from muzero_rc.config.schema import RewardConfig

RULES: dict[str, type[Rule]] = {rule.name: rule for rule in (SelfCompetition, Paper, Fixed, Lagrangian)}


def rule_of(config: RewardConfig) -> Rule:
    """The rule of a run, with its tolerances."""
    return RULES[config.rule].of(config)
