"""All teachers' episodes of a run, from a log that runs share."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from muzero_rc.corpus.cache_key import digest
from muzero_rc.corpus.instances import Instance
from muzero_rc.demonstrations.alt_ref_sweep import FIT, MOVES, fits, scan_uid, scans, scans_wanted
from muzero_rc.demonstrations.cma_search import is_searched, search_plans, searches_wanted
from muzero_rc.demonstrations.constant_quality import constant_quality, quality_uid, uid_of
from muzero_rc.demonstrations.perturbed_controller import ControllerGroups
from muzero_rc.demonstrations.randomised_offsets import varied, varied_uid
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.experience.episode_log import Episode, EpisodeWriter, read_log


def teacher_episodes(store: ClipStore, instances: Sequence[Instance], folder: Path) -> Iterator[Episode]:
    """All teachers' episodes of `instances` that the config asks for, made where they are missing.

    Args:
      store: with all instances prepared.
      instances: of the catalogue.
      folder: of the logs that runs share, one log for each set of encoder settings.
    """
    config = store.config
    levels = {True: config.teacher.augmented_cq_levels, False: config.teacher.cq_levels}
    counts = {True: config.teacher.augmented_varied, False: config.teacher.varied}
    wanted = [(one, level) for one in instances for level in levels[one.augmented]]
    asked = {quality_uid(store, *each) for each in wanted}
    asked |= {varied_uid(store, one, i) for one in instances for i in range(counts[one.augmented])}
    groups = ControllerGroups(store, instances)
    asked |= groups.uids
    scanned = scans_wanted(store, instances)
    moves = [name for name, _ in MOVES]
    asked |= {scan_uid(store, *each, name) for each in scanned for name in (*moves, FIT)}
    known: set[str] = set()
    there: list[Episode] = []
    for episode in known_episodes(store, instances, folder):
        known.add(episode.uid)
        there.append(episode)
        searched = config.teacher.searched > 0 and is_searched(episode, config.teacher.search_from)
        if searched or episode.uid in asked:
            yield episode
    with EpisodeWriter(_log(store, folder)) as writer:
        for episode in constant_quality(store, wanted, known):
            there.append(episode)
            writer.append(episode)
            yield episode
        for episode in varied(store, [(one, counts[one.augmented]) for one in instances], known):
            writer.append(episode)
            yield episode
        for episode in groups.missing(known):
            writer.append(episode)
            yield episode
        for episode in scans(store, scanned, known):
            there.append(episode)
            writer.append(episode)
            yield episode
        played = {episode.uid: episode for episode in there}
        for episode in fits(store, scanned, played, known):
            writer.append(episode)
            yield episode
        searches = searches_wanted(store, instances, there, known)
        for episode in search_plans(store, searches, config.teacher.search_encodes, known):
            writer.append(episode)
            yield episode


def known_episodes(store: ClipStore, instances: Sequence[Instance], folder: Path) -> Iterator[Episode]:
    """Those teachers' episodes of `instances` that are there already."""
    ours = tuple(uid_of(store, instance) + "/" for instance in instances)
    for episode in read_log(_log(store, folder)):
        if episode.uid.startswith(ours):
            yield episode


def _log(store: ClipStore, folder: Path) -> Path:
    """The log of these encoder settings and this libvpx."""
    return folder / digest(store.config.encode, store.engine.native.versions()["libvpx_runtime"])
