"""Sources of self-play episodes: an actor in this process, or logs that were copied here.

A third one, actors elsewhere over Reverb, is `distributed.transport`.
"""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from muzero_rc.acting.actor import Actor
from muzero_rc.acting.assignment import assign, group_size
from muzero_rc.config.schema import Config
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.experience.episode import Episode, EpisodeFormatError
from muzero_rc.experience.episode_log import EpisodeTail
from muzero_rc.experience.ingest import Ingest
from muzero_rc.types import Params

log = logging.getLogger(__name__)


class EpisodeSource(Protocol):
    """Where the learner's next episodes come from."""

    def play(self, params: Params, step: int, ingest: Ingest) -> Iterator[Episode]:
        """Yields about a round of episodes, played with weights as new as can be had.

        Args:
          params: of the network at present.
          step: learner steps behind them.
          ingest: opponents, and how many episodes there are.
        """
        ...


class LocalEpisodes:
    """Plays episodes in this process, on the encoders of a ClipStore."""

    def __init__(
        self, actor: Actor, store: ClipStore, instances: Sequence[Instance], config: Config, config_hash: str
    ) -> None:
        """Args: instances: prepared in `store`."""
        self._actor = actor
        self._store = store
        self._instances = instances
        self._config = config
        self._hash = config_hash

    def play(self, params: Params, step: int, ingest: Ingest) -> Iterator[Episode]:
        """See `EpisodeSource.play`; episodes are numbered on from those that the run has."""
        self._actor.set_weights(params, step)
        first = ingest.numbers
        size = group_size(self._config.actor)
        whole = -(-self._config.actor.round_episodes // size) * size
        count = min(whole, self._config.budget.episodes - ingest.episodes)
        work = (assign(self._store, self._instances, self._config, first + i) for i in range(count))
        yield from self._actor.play(work, ingest.opponents, self._hash)


class LogInbox:
    """Follows the episode logs that people copy into the run folder, one folder for each actor."""

    def __init__(self, folder: Path) -> None:
        """Args: folder: `RunDir.inbox`."""
        self._folder = folder
        self._tails: dict[Path, EpisodeTail] = {}
        self._refused: set[Path] = set()

    def new(self) -> Iterator[Episode]:
        """Yields the whole episodes that were not there at the last look.

        A log with episodes of another format is logged and left alone from there on.
        """
        folders = {path for path in self._folder.iterdir() if path.is_dir()}
        for folder in sorted(folders - self._refused):
            try:
                yield from self._tails.setdefault(folder, EpisodeTail(folder)).new()
            except EpisodeFormatError as error:
                self._refused.add(folder)
                log.warning("inbox: %s", error)
