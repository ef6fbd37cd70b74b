"""Hindsight relabelling: an episode that ended at rate R is exactly on budget for a target of R.

The extension recomputes what a policy would have seen under the new target, so one encode teaches a
range of targets.
"""

import dataclasses
import math
import random

from muzero_rc.config.schema import ImitationConfig
from muzero_rc.corpus.anchor import Anchor
from muzero_rc.experience.episode import OPTIMUM, Episode
from muzero_rc.reward.outcome import outcome_of


def relabelled(episode: Episode, target_kbps: int, anchor: Anchor) -> Episode:
    """`episode` as if `target_kbps` had been asked for: its outcome is judged against that target."""
    outcome = outcome_of(episode.rate_kbps, target_kbps, episode.psnr_y_db, anchor.psnr_at(target_kbps))
    return dataclasses.replace(episode, target_kbps=target_kbps, outcome=outcome)


def own_target(episode: Episode) -> int:
    """The smallest whole target that the episode keeps."""
    return max(1, math.ceil(episode.rate_kbps))


def draw_target(episode: Episode, config: ImitationConfig, rng: random.Random) -> int:
    """A target to learn this episode under.

    Mostly its own rate, or a little above, where it is an example to follow; else one near the rate,
    on either side, from which the value heads learn what missing a target looks like. An episode of
    the agent is also learned as it was played. With `asked_target` every episode is.
    """
    if config.asked_target:
        return episode.target_kbps
    own = own_target(episode)
    draw = rng.random()
    if draw < config.own_target_share:
        return max(own, math.floor(own * (1.0 + rng.random() * config.own_target_slack)))
    if draw < 0.5 * (1.0 + config.own_target_share) and episode.policies is not None:
        return episode.target_kbps
    return max(1, round(own * math.exp(rng.uniform(-1.0, 1.0) * config.other_target_spread)))


def is_optimum(episode: Episode) -> bool:
    """Whether it is an alt-ref sweep's optimum, an example to follow."""
    return episode.kind == OPTIMUM


def own_gain_db(episode: Episode, anchor: Anchor) -> float:
    """PSNR over the anchor curve at the rate that the episode had."""
    return episode.psnr_y_db - anchor.psnr_at(episode.rate_kbps)


def imitation_weight(
    episode: Episode, config: ImitationConfig, *, opponent_db: float = 0.0, advantage: float = 0.0
) -> float:
    """How much the policy should follow the episode's actions.

    Args:
      episode: relabelled.
      config: tolerances, and what is to be beaten.
      opponent_db: gain of the present opponent, at first the anchor's, 0.
      advantage: over the episode's peers, see `muzero_rc.experience.advantage`.

    Returns:
      0 unless it kept its target and used it up; else rising with what it has over its opponent or its
      peers, about 1 for one that is as good. Against "optimum" 1 for optima, 0 for all else.
    """
    fill = episode.rate_kbps / episode.target_kbps
    if fill > 1.0 + config.fill_tolerance or fill < config.fill_floor:
        return 0.0
    if config.against == "optimum":
        return float(is_optimum(episode))
    if config.against == "peers":
        return min(math.exp(advantage / config.temperature), config.weight_limit)
    gain_db = episode.outcome.gain_db - opponent_db
    if gain_db < config.gain_floor_db:
        return 0.0
    return min(math.exp(gain_db / config.temperature_db), config.weight_limit)
