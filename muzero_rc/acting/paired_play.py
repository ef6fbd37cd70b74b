"""Plays paired encodes: the controller's own, of what is about to be played; needs no JAX."""

from collections.abc import Iterator, Sequence

from encoder_bridge.encode.batch import Job
from muzero_rc.acting.assignment import Assignment
from muzero_rc.deploy.policy_names import CONTROLLER
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.experience.episode import PAIRED, Episode, Name
from muzero_rc.experience.make_episode import make_episode
from muzero_rc.experience.paired import KIND, PairedEncodes


def play_pairs(store: ClipStore, work: Sequence[Assignment], pairs: PairedEncodes) -> Iterator[Episode]:
    """The paired encodes of assignments that are not known yet, each once; adds them to `pairs`.

    Yields:
      Episodes of source PAIRED; an encode that fails is logged and left out.
    """
    missing = {
        (one.instance.name, one.target_kbps): one
        for one in work
        if pairs.of(one.instance.name, one.target_kbps) is None
    }
    policy = store.engine.policy(CONTROLLER) if missing else None

    def job(one: Assignment) -> Job:
        stream = f"{one.instance.name}/{store.raw_clip(one.instance).key}/{PAIRED}"
        name = Name(f"{stream}/{one.target_kbps}", KIND, PAIRED, one.target_kbps)
        extra = (one, name)
        return store.job(name.uid, one.instance, one.target_kbps, mode="policy", policy=policy, extra=extra)

    for done in store.played(job(one) for one in missing.values()):
        one, name = done.job.extra
        episode = make_episode(store, done, name, one.instance, source=PAIRED, greedy=True)
        pairs.add(episode)
        yield episode
