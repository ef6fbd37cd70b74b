"""Constant quality: libvpx's own plans at many quality levels.

A constant-quality encode gives its qindex for every coded frame away in its headers. Replayed through
the hook, with VBR and the rate that it had as the target underneath, it becomes an episode. The anchor
curve's encodes give a few such plans; those between them are interpolated.
"""

import bisect
from collections.abc import Iterator, Mapping, Sequence

from encoder_bridge.encode.batch import Job
from muzero_rc.corpus.instances import Instance
from muzero_rc.demonstrations.base import Wanted, job_of, play_jobs, uid_of
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.qindex_plan import PlanFollower, between
from muzero_rc.experience.episode import Episode, Name

KIND = "constant-quality"


class ConstantQuality:
    """Replays at the levels of the config."""

    def __init__(self, store: ClipStore, instances: Sequence[Instance]) -> None:
        """Args: store: with all `instances` prepared."""
        config = store.config.demonstrations
        levels = {True: config.augmented_cq_levels, False: config.cq_levels}
        self._store = store
        self._wanted = {
            uid_of(store, one, f"q{level:g}"): (one, level)
            for one in instances
            for level in levels[one.augmented]
        }

    def wants(self, episode: Episode) -> bool:
        """See `Demonstrations.wants`."""
        return episode.uid in self._wanted

    def play(self, known: Mapping[str, Episode]) -> Iterator[Episode]:
        """See `Demonstrations.play`."""
        missing = [(uid, *each) for uid, each in self._wanted.items() if uid not in known]
        return play_jobs(self._store, (quality_job(self._store, *each) for each in missing))


def quality_job(store: ClipStore, uid: str, instance: Instance, cq_level: int) -> Job:
    """The replay of constant quality at a level; between an anchor's levels plans are interpolated."""
    encodes = store.quality[instance.name]
    levels = [encode.cq_level for encode in encodes]
    at = min(max(bisect.bisect_right(levels, cq_level) - 1, 0), len(encodes) - 2)
    low, high = encodes[at], encodes[at + 1]
    share = (cq_level - low.cq_level) / (high.cq_level - low.cq_level)
    rate_kbps = low.rate_kbps * (high.rate_kbps / low.rate_kbps) ** share
    wanted = Wanted(Name(uid, KIND, index=cq_level), instance, max(1, round(rate_kbps)))
    return job_of(store, wanted, PlanFollower(between(low.plan, high.plan, share)))
