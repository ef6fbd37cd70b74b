"""All demonstrations of a run, from a log that runs share."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from muzero_rc.corpus.cache_key import digest
from muzero_rc.corpus.instances import Instance
from muzero_rc.demonstrations.alt_ref_sweep import AltRefSweep
from muzero_rc.demonstrations.base import Demonstrations
from muzero_rc.demonstrations.cma_search import CmaSearch
from muzero_rc.demonstrations.constant_quality import ConstantQuality
from muzero_rc.demonstrations.perturbed_controller import PerturbedController
from muzero_rc.demonstrations.randomised_offsets import RandomisedOffsets
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.experience.episode import Episode
from muzero_rc.experience.episode_log import EpisodeWriter, read_log

SOURCES: tuple[Callable[[ClipStore, Sequence[Instance]], Demonstrations], ...] = (
    ConstantQuality,
    RandomisedOffsets,
    PerturbedController,
    AltRefSweep,
    CmaSearch,  # may begin from ConstantQuality's
)
"""In the order in which they play; each sees what those before it made."""


def demonstrations(store: ClipStore, instances: Sequence[Instance], folder: Path) -> Iterator[Episode]:
    """All demonstrations of `instances` that the config asks for, made where they are missing.

    Args:
      store: with all instances prepared.
      instances: of the run.
      folder: of the logs that runs share, one log for each set of encoder settings.

    Yields:
      Those that are there, then each new one when it is on disk.
    """
    sources = [source(store, instances) for source in SOURCES]
    known: dict[str, Episode] = {}
    for episode in known_demonstrations(store, instances, folder):
        known[episode.uid] = episode
        if any(source.wants(episode) for source in sources):
            yield episode
    with EpisodeWriter(_log(store, folder)) as writer:
        for source in sources:
            for episode in source.play(known):
                writer.append(episode)
                known[episode.uid] = episode
                yield episode


def known_demonstrations(store: ClipStore, instances: Sequence[Instance], folder: Path) -> Iterator[Episode]:
    """Those demonstrations of `instances` that are there already, whatever the config asks for."""
    ours = {(instance.name, store.raw_clip(instance).key) for instance in instances}
    for episode in read_log(_log(store, folder)):
        if (episode.instance, episode.frames_key) in ours:
            yield episode


def _log(store: ClipStore, folder: Path) -> Path:
    """The log of these encoder settings, this libvpx and this objective."""
    return folder / digest(store.config.encode, store.engine.libvpx, *store.measured_by)
