"""Writes episodes as a Minari data set: HDF5, under Minari's own folder, whole or not at all."""

import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, Self

import gymnasium
import numpy as np

from muzero_rc.errors import DatasetError
from muzero_rc.experience.offline_episodes import OfflineEpisode

_NAME = re.compile(r"([-\w]+/)*[-\w]+-v\d+")
_FORMAT = "hdf5"


def datasets_folder() -> Path:
    """Where Minari looks: `$MINARI_DATASETS_PATH`, by default `~/.minari/datasets`."""
    return Path(os.environ.get("MINARI_DATASETS_PATH") or "~/.minari/datasets").expanduser()


def check_name(name: str, folder: Path) -> Path:
    """Where a data set of this name lies.

    Raises:
      DatasetError: it is no name, or there is one.
    """
    if not _NAME.fullmatch(name):
        raise DatasetError(f"data set {name!r}: use a name such as vp9/encode/scans-v0")
    path = folder / name
    if path.exists():
        raise DatasetError(f"data set {path} exists: raise its version, or remove that folder")
    return path


class MinariWriter:
    """Appends episodes; on leaving without an error the data set appears under its name.

    Attributes:
      path: the data set's folder.
      episodes, steps: how many there are.
    """

    def __init__(
        self, name: str, env: gymnasium.Env[Any, Any], *, folder: Path, metadata: dict[str, Any]
    ) -> None:
        """Begins a data set.

        Args:
          name: `NAMESPACE/NAME-vN`.
          env: of the episodes; made by `gymnasium.make`, for its spec.
          folder: of all data sets.
          metadata: author, description, ... as Minari has them.

        Raises:
          DatasetError: the name cannot be used.
        """
        import minari
        from minari.dataset.minari_storage import MinariStorage

        self.path = check_name(name, folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=folder))
        self.episodes = self.steps = 0
        try:
            data = self._partial / "data"  # where Minari looks for it
            self._storage = MinariStorage.new(
                data, env.observation_space, env.action_space, env.spec, _FORMAT
            )
            self._storage.update_metadata(
                {"dataset_id": name, "minari_version": minari.__version__, **metadata}
            )
        except BaseException:
            shutil.rmtree(self._partial, ignore_errors=True)
            raise

    def append(self, episode: OfflineEpisode) -> None:
        """Writes one episode."""
        from minari.data_collector import EpisodeBuffer

        count = len(episode.actions)
        ended = np.arange(1, count + 1) == count
        self._storage.update_episodes(
            [
                EpisodeBuffer(
                    id=self.episodes,
                    observations=episode.observations,
                    actions=list(episode.actions),
                    rewards=list(episode.rewards),
                    terminations=list(ended),
                    truncations=[False] * count,
                    infos=episode.infos,
                )
            ]
        )
        self._storage.update_episode_metadata([episode.note], [self.episodes])
        self.episodes += 1
        self.steps += count

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None and self.episodes:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._partial.rename(self.path)
                _name_spaces(self.path.parent, self._folder)
        finally:
            shutil.rmtree(self._partial, ignore_errors=True)


def _name_spaces(inner: Path, folder: Path) -> None:
    """Minari lists what lies in name spaces, folders with a file that says so."""
    while inner != folder:
        note = inner / "namespace_metadata.json"
        if not note.exists():
            note.write_text(json.dumps({}), encoding="utf-8")
        inner = inner.parent
