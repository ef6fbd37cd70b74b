"""Transport between learner and actors over Reverb: episodes one way, weights the other.

The learner's server has two tables besides its replay: "inbox", a queue of episodes from actors, and
"weights", whose one item is what actors play with: parameters, config, opponents, and the uids that
have arrived. An actor keeps its episodes in a log of its own and sends again what was not
acknowledged, so that either side may vanish at any moment. Everything sent is arrays and JSON; nothing
is executed. Reverb knows no passwords: see docs/method.md for what may be exposed.
"""

import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import safetensors.numpy

from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import dump_config, parse_config
from muzero_rc.experience.episode import SELFPLAY, Episode, from_bytes, to_bytes
from muzero_rc.experience.ingest import Ingest
from muzero_rc.experience.opponents import Opponents
from muzero_rc.experience.replay import Replay, ReverbReplay, episode_tables
from muzero_rc.reward.outcome import Opponent
from muzero_rc.reward.rules import rule_of
from muzero_rc.types import Params
from muzero_rc.utils.loopback import check_free, only_loopback

log = logging.getLogger(__name__)

INBOX, WEIGHTS = "inbox", "weights"
_ACKNOWLEDGED = 4096  # newest uids that the weights' item names
_TIMEOUT_S = 10
_POLL_S = 0.5
_IDLE_S = 30.0  # the learner goes on with what it has when nothing came for so long


@dataclass(frozen=True)
class WeightsMessage:
    """What the learner sends its actors.

    Attributes:
      params: of the network.
      step: of the learner.
      config: of the run.
      config_hash: goes into episodes.
      opponents: at present.
      taken: uids of the newest episodes that the learner has.
    """

    params: Params
    step: int
    config: Config
    config_hash: str
    opponents: Opponents
    taken: frozenset[str]


def pack(message: WeightsMessage) -> bytes:
    """Serialises a message as safetensors: parameters under "module|name", the rest as JSON metadata."""
    table = {key: one._asdict() for key, one in message.opponents.table.items()}
    text = json.dumps(
        {
            "step": message.step,
            "config": dump_config(message.config),
            "config_hash": message.config_hash,
            "opponents": table,
            "taken": sorted(message.taken),
        }
    )
    arrays = {
        f"{m}|{n}": np.ascontiguousarray(x) for m, names in message.params.items() for n, x in names.items()
    }
    return safetensors.numpy.save(arrays, {"message": text})


def unpack(payload: bytes) -> WeightsMessage:
    """Parses what `pack` has made."""
    params: dict[str, dict[str, Any]] = {}
    for key, array in safetensors.numpy.load(payload).items():
        module, _, name = key.rpartition("|")
        params.setdefault(module, {})[name] = array
    header_bytes = int.from_bytes(payload[:8], "little")  # which `load` has checked
    told = json.loads(json.loads(payload[8 : 8 + header_bytes])["__metadata__"]["message"])
    config = parse_config(told["config"])
    table = {key: Opponent(**one) for key, one in told["opponents"].items()}
    opponents = Opponents(rule_of(config.reward), table)
    return WeightsMessage(
        params, told["step"], config, told["config_hash"], opponents, frozenset(told["taken"])
    )


class LearnerServer:
    """The learner's side: a Reverb server with replay, inbox and weights; the replay closes it."""

    def __init__(self, config: Config, *, port: int, everywhere: bool) -> None:
        """Starts serving.

        Args:
          config: of the run.
          port: to listen on.
          everywhere: on all interfaces; else on loopback alone.

        Raises:
          RunError: the port is in use, or loopback alone cannot be had.
        """
        import reverb

        check_free(port)
        queue = reverb.Table.queue(INBOX, max_size=100_000)
        weights = reverb.Table(
            WEIGHTS,
            sampler=reverb.selectors.Lifo(),
            remover=reverb.selectors.Fifo(),
            max_size=1,
            rate_limiter=reverb.rate_limiters.MinSize(1),
        )
        self._server = reverb.Server([*episode_tables(config.replay), queue, weights], port=port)
        if not everywhere:
            only_loopback(port)
        self._address = f"localhost:{port}"
        self._client = reverb.Client(self._address)
        self._config = config

    def replay(self) -> Replay:
        """The learner's replay on this server, which is stopped with it."""
        return ReverbReplay(self._config.replay, self._address, self._server)

    def episodes(self, config_hash: str) -> "RemoteEpisodes":
        """The source of the episodes that actors send."""
        return RemoteEpisodes(self, self._config, config_hash)

    def publish(self, message: WeightsMessage) -> None:
        """Replaces what actors play with."""
        self._client.insert([np.frombuffer(pack(message), np.uint8)], {WEIGHTS: 1.0})

    def arrived(self) -> Iterator[Episode]:
        """The episodes that lie in the inbox; what is none is logged and left out."""
        count = self._client.server_info(timeout=_TIMEOUT_S)[INBOX].current_size
        for sample in self._client.sample(INBOX, count) if count else ():
            for step in list(sample)[:1]:
                try:
                    episode = from_bytes(step.data[0].tobytes())
                except ValueError as error:
                    log.warning("left out what an actor sent: %s", error)
                    continue
                yield episode


class RemoteEpisodes:
    """`training.episode_sources.EpisodeSource`: episodes of actors elsewhere."""

    def __init__(self, server: LearnerServer, config: Config, config_hash: str) -> None:
        """Args: server: serving; config: of the run; config_hash: its hash."""
        self._server = server
        self._config = config
        self._hash = config_hash
        self._taken: deque[str] | None = None

    def play(self, params: Params, step: int, ingest: Ingest) -> Iterator[Episode]:
        """Publishes the weights, then takes what arrives until a round is full or nothing comes."""
        if self._taken is None:  # what the log had
            self._taken = deque(ingest.uids, maxlen=_ACKNOWLEDGED)
        message = WeightsMessage(
            params, step, self._config, self._hash, ingest.opponents, frozenset(self._taken)
        )
        self._server.publish(message)
        wanted, last = self._config.actor.round_episodes, time.monotonic()
        while wanted > 0 and time.monotonic() - last < _IDLE_S:
            for episode in self._server.arrived():
                self._taken.append(episode.uid)
                wanted, last = wanted - (episode.source == SELFPLAY), time.monotonic()
                yield episode
            time.sleep(_POLL_S)


class LearnerClient:
    """An actor's side: fetches weights and sends episodes while the learner can be reached."""

    def __init__(self, address: str) -> None:
        """Args: address: HOST:PORT."""
        import reverb

        self._reverb = reverb
        self._address = address
        self._client = reverb.Client(address)

    def fetch(self) -> WeightsMessage | None:
        """Fetches what to play with now; None while the learner cannot be reached or has nothing yet."""
        if self._call(lambda: self._client.server_info(timeout=_TIMEOUT_S)[WEIGHTS].current_size):
            payload = self._call(self._newest)
            return None if payload is None else unpack(payload)
        return None

    def send(self, episode: Episode) -> bool:
        """Sends an episode; whether it reached the inbox."""
        payload = np.frombuffer(to_bytes(episode), np.uint8)
        there = self._call(lambda: self._client.server_info(timeout=_TIMEOUT_S))
        return there is not None and self._call(lambda: self._client.insert([payload], {INBOX: 1.0}) or True)

    def _newest(self) -> bytes:
        sample = next(iter(self._client.sample(WEIGHTS, 1)))
        return bytes(next(iter(sample)).data[0].tobytes())

    def _call(self, question: Callable[[], Any]) -> Any:
        """The answer, or None when the learner is away; then a new connection is tried next time."""
        try:
            return question()
        except (RuntimeError, StopIteration, self._reverb.errors.ReverbError):
            self._client = self._reverb.Client(self._address)
            return None
