"""Figures of a round of training: what is logged, and the line for a person."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from muzero_rc.config.schema import Config
from muzero_rc.experience.episode import Episode
from muzero_rc.training.logger import duration

LEAST_GREEDY = 32
"""Noise-free episodes that a win rate is told of."""


class Rates:
    """Episodes per hour, and the encoders' share of the time, since the last look."""

    def __init__(self, config: Config) -> None:
        """Args: config: how many encoders there are."""
        self._encoders = config.actor.encoders
        self._since = time.monotonic()
        self._encode_s = 0.0
        self._episodes = 0

    def add(self, episode: Episode) -> None:
        """Counts an episode that was taken in."""
        self._encode_s += episode.encode_s
        self._episodes += 1

    def figures(self) -> dict[str, float]:
        """Of the time since the last call; the share is of one actor's encoders."""
        now = time.monotonic()
        wall_s, self._since = max(now - self._since, 1e-3), now
        found = {
            "episodes_per_hour": 3600.0 * self._episodes / wall_s,
            "encoder_share": self._encode_s / (wall_s * self._encoders),
        }
        self._encode_s, self._episodes = 0.0, 0
        return found


def mean_of(logs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Means of scalars over the steps that have them."""
    names = dict.fromkeys(name for one in logs for name in one)
    return {name: float(np.mean([one[name] for one in logs if name in one])) for name in names}


def progress(config: Config, step: int, figures: Mapping[str, float], spent_s: float) -> str:
    """Formats the progress of a run as one line for a person."""
    words = [f"step {step}", f"loss {figures['loss']:.3f}", f"policy {figures['loss_policy']:.3f}"]
    shares = [spent_s / (3600.0 * config.budget.hours)]
    if "win_rate" in figures:
        shares.append(figures["episodes"] / config.budget.episodes)
        words += _selfplay_words(figures)
    share = max(max(shares), 1e-6)
    left_s = spent_s * (1.0 - min(share, 1.0)) / share
    return ", ".join([*words, f"ETA {duration(left_s)}"])


def _selfplay_words(figures: Mapping[str, float]) -> list[str]:
    greedy = figures["greedy"]
    win = f"win {figures['win_rate']:.2f}" if greedy >= LEAST_GREEDY else "win –"
    words = [
        f"{figures['episodes']:.0f} episodes",
        f"{figures['episodes_per_hour']:.0f}/h",
        f"encoders {100.0 * figures['encoder_share']:.0f} %",
        f"{win} of {greedy:.0f}",
        f"gain {figures['gain']:+.2f} % ({figures['gain_low']:+.2f} … {figures['gain_high']:+.2f})",
        f"over {100.0 * figures['over']:.0f} %",
        f"fill {figures['fill']:.3f}",
    ]
    for name, label in (
        ("critic_within", "critic"),
        ("critic_coverage", "covers"),
        ("search_kl", "KL"),
        ("search_q_spread", "Q spread"),
    ):
        if name in figures:
            words.append(f"{label} {figures[name]:.2f}")
    if np.isfinite(figures.get("sample_age", np.nan)):
        words.append(f"age {figures['sample_age']:.0f}")
    return words
