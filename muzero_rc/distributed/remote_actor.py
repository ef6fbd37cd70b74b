"""Remote actor: plays for a learner that it reaches over the network, now and then."""

import time
from collections.abc import Callable
from pathlib import Path

from muzero_rc.acting.actor import Actor
from muzero_rc.acting.assignment import assign, group_size
from muzero_rc.agent.compilation import keep_compiled
from muzero_rc.agent.networks import make_networks
from muzero_rc.corpus.clips import find_clips
from muzero_rc.distributed.transport import LearnerClient, WeightsMessage
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import Engine
from muzero_rc.experience.episode import PAIRED, SELFPLAY, Episode
from muzero_rc.experience.episode_log import EpisodeWriter, read_log
from muzero_rc.experience.known_schedules import KnownSchedules
from muzero_rc.experience.paired import PairedEncodes

_RETRY_S = 2.0
_PATIENCE_ROUNDS = 3  # before an episode that is not acknowledged is sent again


def act(
    corpus: Path,
    address: str,
    name: str,
    folder: Path,
    *,
    engine: Engine,
    cache: Path,
    episodes: int | None = None,
    report: Callable[[str], None] = print,
) -> int:
    """Plays until `episodes` are done (for ever if None).

    Args:
      corpus: the same clips as the learner's.
      address: HOST:PORT of the learner.
      name: of this actor; its episodes' uids begin with it, so no two actors may share it.
      folder: this actor's own log; one that was there before is gone on with.
      engine: of the encoders.
      cache: as for `train.train`.
      episodes: to play in all, those of earlier calls included.
      report: takes lines for a person.

    Returns:
      Episodes in the log, paired encodes not counted.
    """
    keep_compiled(cache / "compiled")
    clips = find_clips(corpus)
    client = LearnerClient(address)
    message = _first(client, address, report)
    config = message.config
    with ClipStore(engine, config, cache) as store:
        instances, schedules = store.instances(clips), KnownSchedules()
        networks = make_networks(config.network, engine.widths)
        actor = Actor(store, networks, config, schedules, PairedEncodes(store.anchor))
        unacked = UnackedEpisodes(folder, name)
        with EpisodeWriter(folder) as writer:
            while episodes is None or unacked.episodes < episodes:
                newer = client.fetch()
                if newer is not None:
                    message = newer
                    unacked.send_again(client, message)
                actor.set_weights(message.params, message.step)
                size = group_size(config.actor)
                count = -(-2 * config.actor.encoders // size) * size
                if episodes is not None:
                    count = min(count, episodes - unacked.episodes)
                numbers = range(unacked.next_number, unacked.next_number + count)
                work = (assign(store, instances, config, number, stream=name) for number in numbers)
                for episode in actor.play(work, message.opponents, message.config_hash, stream=name):
                    if episode.uid in unacked.paired:
                        continue  # of an earlier life
                    writer.append(episode)
                    unacked.add(episode)
                    client.send(episode)
                unacked.next_number = numbers.stop
                report(f"{unacked.episodes} episodes, {unacked.waiting} on their way, step {message.step}")
        return unacked.episodes


class UnackedEpisodes:
    """An actor's episodes that the learner has not acknowledged yet.

    Attributes:
      episodes: of self-play in its log.
      next_number: of the next one.
      paired: uids of the paired encodes that an earlier life has in its log.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """Args: folder: the actor's log; name: what its uids begin with."""
        log = list(read_log(folder))
        own = [one for one in log if one.source == SELFPLAY]
        self.episodes = len(own)
        self.next_number = 1 + max((one.index for one in own), default=-1)
        self.paired = {one.uid for one in log if one.source == PAIRED}
        self._unacknowledged = {one.uid: one for one in log if one.parent in (name, PAIRED)}
        self._rounds: dict[str, int] = {}

    @property
    def waiting(self) -> int:
        """How many there are."""
        return len(self._unacknowledged)

    def add(self, episode: Episode) -> None:
        """Adds an episode that is about to be sent."""
        self._unacknowledged[episode.uid] = episode
        self._rounds[episode.uid] = _PATIENCE_ROUNDS
        self.episodes += episode.source == SELFPLAY

    def send_again(self, client: LearnerClient, message: WeightsMessage) -> None:
        """Forgets what has arrived; sends again what has been on its way for long."""
        for uid in message.taken & self._unacknowledged.keys():
            del self._unacknowledged[uid]
        for uid, episode in self._unacknowledged.items():
            self._rounds[uid] = self._rounds.get(uid, 0) - 1
            if self._rounds[uid] < 0 and client.send(episode):
                self._rounds[uid] = _PATIENCE_ROUNDS


def _first(client: LearnerClient, address: str, report: Callable[[str], None]) -> WeightsMessage:
    """Waits for the learner's first weights."""
    told = False
    while (message := client.fetch()) is None:
        if not told:
            report(f"waiting for a learner at {address}")
            told = True
        time.sleep(_RETRY_S)
    return message
