"""Perturbed controller: groups of episodes, the controller's own and its plan with the actor's noise."""

from collections.abc import Iterator, Mapping, Sequence

from muzero_rc.acting.assignment import Assignment, assign, group_size
from muzero_rc.acting.policy_actor import in_batches, play_groups
from muzero_rc.corpus.cache_key import digest
from muzero_rc.corpus.instances import Instance
from muzero_rc.demonstrations.base import uid_of
from muzero_rc.deploy.policy_names import CONTROLLER
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.experience.episode import DEMONSTRATION, Episode, Name

KIND = "perturbed-controller"


class PerturbedController:
    """As many groups as the config says; other noise makes other groups."""

    def __init__(self, store: ClipStore, instances: Sequence[Instance]) -> None:
        """Args: store: with all `instances` prepared."""
        config = store.config
        noise = {name: value for name, value in vars(config.actor).items() if "noise" in name}
        count = config.demonstrations.controller_groups if instances else 0
        self._store = store
        size = group_size(config.actor)
        self._places = range(size)
        self._stream = digest(sorted(noise.items()), size, config.actor.targets, config.seed)
        self._work = [
            assign(store, instances, config, number * size, stream=CONTROLLER) for number in range(count)
        ]
        self._uids = {uid for one in self._work for uid in self._uids_of(one)}

    def wants(self, episode: Episode) -> bool:
        """See `Demonstrations.wants`."""
        return episode.uid in self._uids

    def play(self, known: Mapping[str, Episode]) -> Iterator[Episode]:
        """See `Demonstrations.play`; a group of which something is missing is played as a whole."""
        work = [one for one in self._work if any(uid not in known for uid in self._uids_of(one))]
        if not work:
            return
        policy = self._store.engine.policy(CONTROLLER)
        for some in in_batches(self._store, work):
            for episode in play_groups(self._store, some, policy, self._name, source=DEMONSTRATION):
                if episode.uid not in known:
                    yield episode

    def _uids_of(self, one: Assignment) -> list[str]:
        return [self._name(one, place).uid for place in self._places]

    def _name(self, one: Assignment, place: int) -> Name:
        stream = uid_of(self._store, one.instance, f"c{self._stream}")
        return Name(f"{stream}/{one.number + place}", KIND, stream, one.number + place)
