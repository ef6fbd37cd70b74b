"""Experience replay: Reverb between processes, or plain lists in one.

Demonstrations and the agent's own episodes lie in two tables; a batch takes a fixed share from each. What
is here can be lost: it is filled again from the episode log.
"""

import itertools
from collections import deque
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np

from muzero_rc.config.schema import ReplayConfig
from muzero_rc.experience.episode import DEMONSTRATION, Episode, from_bytes, to_bytes
from muzero_rc.utils.extras import require_extra
from muzero_rc.utils.loopback import only_loopback

DEMONSTRATIONS, AGENT = "demonstrations", "agent"
TABLES = (DEMONSTRATIONS, AGENT)


class Replay(Protocol):
    """Where episodes wait to be learned from."""

    def add(self, episode: Episode, priority: float) -> None:
        """Keeps an episode; it is drawn in proportion to `priority`, the oldest go first."""
        ...

    def sample(self, count: int) -> list[Episode]:
        """Draws episodes, with repetition, from both tables in the configured share."""
        ...

    def sizes(self) -> dict[str, int]:
        """Episodes in each table."""
        ...

    def close(self) -> None:
        """Frees what it holds."""
        ...


def table_of(episode: Episode) -> str:
    """The table an episode belongs to."""
    return DEMONSTRATIONS if episode.source == DEMONSTRATION else AGENT


def split(count: int, sizes: dict[str, int], demonstration_share: float) -> dict[str, int]:
    """How many of `count` draws come from which table; an empty table gives nothing.

    Raises:
      ValueError: both are empty.
    """
    if not any(sizes.values()):
        raise ValueError("no episode to learn from")
    demonstrations = round(count * demonstration_share) if sizes[DEMONSTRATIONS] else 0
    if not sizes[AGENT]:
        demonstrations = count
    return {DEMONSTRATIONS: demonstrations, AGENT: count - demonstrations}


class MemoryReplay:
    """Lists in this process; the same seed draws the same episodes."""

    def __init__(self, config: ReplayConfig, seed: int) -> None:
        """Args: config: sizes and shares; seed: of the draws."""
        self._config = config
        self._rng = np.random.default_rng(seed)
        self._kept: dict[str, deque[tuple[Episode, float]]] = {
            DEMONSTRATIONS: deque(),
            AGENT: deque(maxlen=config.episodes),
        }

    def add(self, episode: Episode, priority: float) -> None:
        """See `Replay.add`."""
        self._kept[table_of(episode)].append((episode, priority))

    def sample(self, count: int) -> list[Episode]:
        """See `Replay.sample`."""
        counts = split(count, self.sizes(), self._config.demonstration_share)
        return [episode for table in TABLES for episode in self._draw(table, counts[table])]

    def _draw(self, table: str, count: int) -> Iterable[Episode]:
        if count == 0:
            return []
        kept = self._kept[table]
        priorities = np.array([priority for _, priority in kept])
        drawn = self._rng.choice(len(kept), count, p=priorities / priorities.sum())
        return [kept[i][0] for i in drawn]

    def sizes(self) -> dict[str, int]:
        """See `Replay.sizes`."""
        return {table: len(kept) for table, kept in self._kept.items()}

    def close(self) -> None:
        """See `Replay.close`."""


class ReverbReplay:
    """A Reverb server's tables, through a client; `server` is closed with it when given."""

    def __init__(self, config: ReplayConfig, address: str, server: Any = None) -> None:
        """Args: config: shares; address: HOST:PORT; server: owned from now on."""
        import reverb

        self._config = config
        self._server = server
        self._client = reverb.Client(address)
        self._samplers: dict[str, Any] = {}

    def add(self, episode: Episode, priority: float) -> None:
        """See `Replay.add`."""
        payload = np.frombuffer(to_bytes(episode), np.uint8)
        self._client.insert([payload], {table_of(episode): priority})

    def sample(self, count: int) -> list[Episode]:
        """See `Replay.sample`."""
        counts = split(count, self.sizes(), self._config.demonstration_share)
        return [
            from_bytes(step.data[0].tobytes())
            for table, wanted in counts.items()
            if wanted
            for sample in self._client.sample(table, wanted)
            for step in itertools.islice(sample, 1)
        ]

    def sizes(self) -> dict[str, int]:
        """See `Replay.sizes`."""
        info = self._client.server_info(timeout=30)
        return {table: info[table].current_size for table in TABLES}

    def close(self) -> None:
        """See `Replay.close`."""
        if self._server is not None:
            self._server.stop()
            self._server = None


def episode_tables(config: ReplayConfig) -> Sequence[Any]:
    """The Reverb tables that a learner draws from."""
    import reverb

    def table(name: str, size: int) -> Any:
        return reverb.Table(
            name,
            sampler=reverb.selectors.Prioritized(1.0),
            remover=reverb.selectors.Fifo(),
            max_size=size,
            rate_limiter=reverb.rate_limiters.MinSize(1),
        )

    return [table(DEMONSTRATIONS, 1_000_000), table(AGENT, config.episodes)]


def make_replay(config: ReplayConfig, seed: int) -> Replay:
    """The replay of a run on one machine; Reverb's is on loopback alone.

    Raises:
      MissingExtra: Reverb is asked for and not installed.
    """
    if config.engine == "memory" or (config.engine == "auto" and find_spec("reverb") is None):
        return MemoryReplay(config, seed)
    require_extra("reverb")
    import reverb

    server = reverb.Server(episode_tables(config), port=None)
    only_loopback(server.port)
    return ReverbReplay(config, f"localhost:{server.port}", server)
