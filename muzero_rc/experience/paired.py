"""Paired encodes: the controller's own encode of each instance and target that is played.

Gains differ more between clips and targets than between plans, so whatever the agent plays is measured
against the controller on the very same frames at the very same target. Whoever plays an episode plays
its paired encode first; it is in the same log.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from encoder_bridge.media.psnr import SLOPE_LIMITS_DB
from muzero_rc.corpus.anchor import Anchor
from muzero_rc.experience.episode import PAIRED, Episode
from muzero_rc.reward.outcome import gain_percent

KIND = "controller"

Key = tuple[str, int]
"""Instance and target in kbps."""


@dataclass(frozen=True)
class PairedEncode:
    """The controller's encode of an instance at a target.

    Attributes:
      episode: of it.
      slope_db: dB that the instance gains for each factor e of rate, there.
      anchor_db: the anchor curve's PSNR at the target.
    """

    episode: Episode
    slope_db: float
    anchor_db: float

    def gain(self, rate_kbps: float, psnr_y_db: float) -> float:
        """Of another encode of the instance, at the rates achieved: per cent of rate."""
        paired = self.episode
        return gain_percent(rate_kbps, psnr_y_db, paired.rate_kbps, paired.quality_db, self.slope_db)


class PairedEncodes:
    """The paired encodes that are known, by instance and target."""

    def __init__(self, anchor_of: Callable[[str], Anchor]) -> None:
        """Args: anchor_of: the anchor curve of an instance that is prepared, by its name."""
        self._anchor_of = anchor_of
        self._known: dict[Key, PairedEncode] = {}

    def add(self, episode: Episode) -> None:
        """Remembers the controller's encode; a later one of the same instance and target is the same."""
        anchor = self._anchor_of(episode.instance)
        low, high = SLOPE_LIMITS_DB
        slope_db = min(max(anchor.slope_db(episode.rate_kbps), low), high)
        anchor_db = anchor.psnr_at(episode.target_kbps)
        paired = PairedEncode(episode, slope_db, anchor_db)
        self._known.setdefault((episode.instance, episode.target_kbps), paired)

    def of(self, instance: str, target_kbps: int) -> PairedEncode | None:
        """The paired encode of an instance and target, or None."""
        return self._known.get((instance, target_kbps))

    def paired(self, episode: Episode) -> Episode:
        """The episode with its outcome measured against its paired encode; as it is where there is none."""
        pair = self.of(episode.instance, episode.target_kbps)
        if pair is None:
            return episode
        own, left = episode.outcome, pair.episode.rate_kbps - episode.rate_kbps
        target_kbps = episode.target_kbps
        outcome = dataclasses.replace(
            own,
            gain=pair.gain(episode.rate_kbps, episode.quality_db),
            quality=100.0 * (episode.quality_db - pair.episode.quality_db) / pair.slope_db,
            unused=max(0.0, min(left, target_kbps - episode.rate_kbps) / target_kbps),
        )
        return dataclasses.replace(episode, outcome=outcome)


def is_controllers(episode: Episode) -> bool:
    """Whether an episode is the controller's own encode: a paired one, or a demonstration that is one."""
    if episode.kind == "perturbed-controller":  # see muzero_rc/demonstrations
        return episode.greedy
    return episode.source == PAIRED or (episode.kind, episode.index) == ("alt-ref-sweep", 0)
