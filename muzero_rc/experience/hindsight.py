"""Hindsight relabelling: an episode that ended at rate R is exactly on budget for a target of R.

The extension recomputes what a policy would have seen under the new target, so one encode teaches a
range of targets.
"""

import dataclasses
import math
import random

from muzero_rc.config.schema import ImitationConfig
from muzero_rc.corpus.anchor import Anchor
from muzero_rc.experience.episode import DEMONSTRATION, OPTIMUM, Episode
from muzero_rc.reward.outcome import outcome_of


def relabelled(episode: Episode, target_kbps: int, anchor: Anchor) -> Episode:
    """`episode` as if `target_kbps` had been asked for: its outcome is judged against that target.

    What it gained over its paired encode, at the rates that both had, stays what it was.
    """
    fresh = outcome_of(episode.rate_kbps, target_kbps, episode.quality_db, anchor.psnr_at(target_kbps))
    outcome = dataclasses.replace(episode.outcome, gain_db=fresh.gain_db, overshoot=fresh.overshoot)
    return dataclasses.replace(episode, target_kbps=target_kbps, outcome=outcome)


def own_target(episode: Episode) -> int:
    """The smallest whole target that the episode keeps."""
    return max(1, math.ceil(episode.rate_kbps))


def draw_target(episode: Episode, config: ImitationConfig, rng: random.Random) -> int:
    """A target to learn this episode under.

    The agent's own are learned as they were played: there their paired encode, their group and what
    search said of them belong together. A demonstration is learned mostly under its own rate, or a
    little above, where it is an example to follow; else under one near the rate, on either side, from
    which the rate head learns what missing a target looks like. With `asked_target` it is learned as it
    was played too.
    """
    if config.asked_target or episode.source != DEMONSTRATION:
        return episode.target_kbps
    own = own_target(episode)
    if rng.random() < config.own_target_share:
        return max(own, math.floor(own * (1.0 + rng.random() * config.own_target_slack)))
    return max(1, round(own * math.exp(rng.uniform(-1.0, 1.0) * config.other_target_spread)))


def is_optimum(episode: Episode) -> bool:
    """Whether it is an alt-ref sweep's optimum, an example to follow."""
    return episode.kind == OPTIMUM


def own_gain_db(episode: Episode, anchor: Anchor) -> float:
    """Quality over the anchor curve at the rate that the episode had."""
    return episode.quality_db - anchor.psnr_at(episode.rate_kbps)


def selfplay_weight(score: float) -> float:
    """How much the policy should follow a self-play episode: by how much it won, and not if it lost.

    Args:
      score: in [-1, 1], in its group or against its opponent.
    """
    return max(0.0, score)


def imitation_weight(episode: Episode, config: ImitationConfig, *, advantage: float = 0.0) -> float:
    """How much the policy should follow a demonstration's actions.

    Args:
      episode: relabelled.
      config: tolerances, and what is to be beaten.
      advantage: over the episode's peers, see `muzero_rc.experience.advantage`.

    Returns:
      0 unless it kept its target and used it up; else rising with what it has over its peers, 1 for one
      that is as good. Against "optimum" 1 for optima, 0 for all else.
    """
    fill = episode.rate_kbps / episode.target_kbps
    if fill > 1.0 + config.fill_tolerance or fill < config.fill_floor:
        return 0.0
    if config.against == "optimum":
        return float(is_optimum(episode))
    return min(math.exp(advantage / config.temperature), config.weight_limit)
