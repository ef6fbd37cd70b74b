"""Search with a perfect model: what it is worth before anything has to be learned.

    scripts/experiments/perfect_model.py [CLIP ...] [--max-frames 48] [--decisions 6]

First a toy: frames that are easy and hard in turn share one budget, and the model knows exactly what each
action costs and brings if the controller goes on from there. The policy is uniform, so its mean, and the
action that ties leave, is the controller itself. Prints the gain of whole episodes played by search over
the controller's, and that of the best plan, in per cent of rate.

Then, for each CLIP, the real encoder: at the coded frames with the most bits the same few offsets are tried
by encoding to the end (the controller goes on from there), the best is kept, and the next such frame is
tried from there: search one decision deep over the real encoder replayed from a state. Prints the gain over
the controller's own encode.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from encoder_bridge.encode.batch import Job
from muzero_rc.agent.networks import Networks
from muzero_rc.agent.search import Root, make_search
from muzero_rc.agent.two_hot import centres
from muzero_rc.config.schema import Config, NetworkConfig, SearchConfig
from muzero_rc.config.toml_io import override
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.encoding.targets import instance_targets
from muzero_rc.reward.outcome import gain_percent
from muzero_rc.reward.self_competition import SelfCompetition
from muzero_rc.types import Array, Forecast, Prediction, Transition

OFFSETS = (-24, -16, -8, -4, 0, 4, 8, 16, 24)
_STEP = 0.05  # octaves of the quantizer step in an offset of 1, on the toy
_BITS, _DB = 1.1, 4.0  # octaves of bits, and dB, that an octave costs there
_SLOPE_DB = _DB / (_BITS * np.log(2.0))
_UNSURE = 2.0  # per cent of rate, standard deviation of what the model says
NETWORK = NetworkConfig(offsets=OFFSETS, decision="mean")


@dataclass(frozen=True)
class Toy:
    """Frames of these log2 bits at step 0, and the controller's budget: what step 0 takes."""

    hardness: tuple[float, ...] = (0.0, 2.0) * 4

    def rest_step(self, done: Array, left: Array) -> jax.Array:
        """f4[...]: the one step that spends what is left on the frames after the first `done`."""
        bits = jnp.asarray(2.0) ** jnp.asarray(self.hardness)
        ahead = jnp.arange(len(bits)) >= jnp.asarray(done)[..., None]
        need = jnp.sum(jnp.where(ahead, bits, 0.0), axis=-1)
        return jnp.log2(jnp.maximum(need, 1e-6) / jnp.maximum(left, 1e-6)) / _BITS

    def start(self) -> jax.Array:
        """f4[3]: frames done, bits left, dB lost so far."""
        return jnp.array([0.0, float(np.sum(2.0 ** np.array(self.hardness))), 0.0])

    def after(self, state: Array, offset: Array) -> jax.Array:
        """f4[..., 3]: one frame later; past the end nothing happens."""
        done, left, lost = jnp.moveaxis(jnp.asarray(state), -1, 0)
        count = len(self.hardness)
        step = self.rest_step(done, left) + _STEP * offset
        bits = 2.0 ** (jnp.asarray(self.hardness)[jnp.minimum(done.astype(int), count - 1)] - _BITS * step)
        moved = jnp.stack([done + 1.0, jnp.maximum(left - bits, 1e-3), lost + _DB * step], axis=-1)
        return jnp.where((done < count)[..., None], moved, state)

    def gain(self, state: Array) -> jax.Array:
        """f4[...]: final gain in per cent where the controller goes on from a state."""
        done, left, lost = jnp.moveaxis(jnp.asarray(state), -1, 0)
        count = len(self.hardness)
        rest = jnp.where(done < count, (count - done) * _DB * self.rest_step(done, left), 0.0)
        return -100.0 * (lost + rest) / count / _SLOPE_DB

    def best(self) -> float:
        """Gain of the best plan: equal bits for all, as mean PSNR is linear in log bits."""
        bits = 2.0 ** np.array(self.hardness)
        steps = np.log2(bits / bits.mean()) / _BITS
        return float(-100.0 * _DB * steps.mean() / _SLOPE_DB)


def perfect(toy: Toy) -> Networks:
    """Networks that know the toy."""

    def predict(params: Any, state: Array, privileged: Array) -> Prediction:
        del params, privileged
        values = centres(NETWORK.gain_bins, NETWORK.gain_limit)
        gain = -0.5 * ((values - toy.gain(state)[..., None]) / _UNSURE) ** 2
        shape = np.shape(state)[:-1]
        return Prediction(jnp.zeros((*shape, len(OFFSETS))), gain, jnp.zeros((*shape, NETWORK.rate_bins)))

    def dynamics(params: Any, state: Array, action: Array, exo: Array, forecast: Forecast) -> Transition:
        del params, exo, forecast
        state = toy.after(state, jnp.asarray(OFFSETS, jnp.float32)[action])
        return Transition(state, state[..., 0], state[..., 0])

    unused = cast(Any, None)
    return Networks(unused, unused, unused, predict, dynamics, unused, unused, unused)


def play_toy(toy: Toy, simulations: int, decision: str) -> float:
    """Gain of an episode that search plays, as the deployed policy would: by the mean or the best action."""
    depth = len(toy.hardness)
    sizes = SearchConfig(simulations=simulations, considered_actions=len(OFFSETS))
    search = make_search(perfect(toy), NETWORK, sizes, SelfCompetition(), depth=depth, guarded=True)
    zeros = jnp.zeros((1, 1 + depth))
    forecast = Forecast(zeros, zeros, zeros, zeros.astype(int), zeros[..., None])
    state = toy.start()[None]
    for frame in range(depth):
        root = Root(state, jnp.ones((1, depth, 1)), forecast, jnp.zeros((1, 1)), jnp.zeros((1, 3)))
        policy = search({}, jax.random.PRNGKey(frame), root, jnp.float32(0.0)).policy
        actions = jnp.asarray(OFFSETS, jnp.float32)
        offset = policy @ actions if decision == "mean" else actions[jnp.argmax(policy, axis=-1)]
        state = toy.after(state, offset)
    return float(toy.gain(state)[0])


class Fixed:
    """Answers frames by their coding index: q_ref and an offset, where there is one."""

    def __init__(self, offsets: Mapping[int, int]) -> None:
        self.offsets = offsets

    def answer(self, event: Any) -> int:
        """The qindex for a frame, by its native event."""
        return int(event["q_ref"]) + self.offsets.get(int(event["coding_index"]), 0)


def _decide(events: Any, jobs: Sequence[Job]) -> list[int]:
    return [job.extra.answer(event) for event, job in zip(events, jobs, strict=True)]


def search_encoder(store: ClipStore, instance: Instance, decisions: int) -> tuple[float, int]:
    """Gain over the controller found by trying offsets on the real encoder, and how many encodes it took."""
    target = instance_targets(store, instance, 1)[0]

    def encoded(tries: Sequence[Mapping[int, int]]) -> list[Any]:
        jobs = [store.job(str(i), instance, target, extra=Fixed(offsets)) for i, offsets in enumerate(tries)]
        done = {int(one.job.name): one.result for one in store.played(jobs, _decide)}
        return [done[i] for i in range(len(tries))]

    (own,) = encoded([{}])
    slope_db = store.anchor(instance).slope_db(own.kbps)

    def gain(result: Any) -> float:
        return gain_percent(result.kbps, result.psnr_y_db, own.kbps, own.psnr_y_db, slope_db)

    coded = own.records[own.records["frame_type"] >= 0]
    largest = np.argsort(coded["bits"])[::-1][:decisions]
    kept: dict[int, int] = {}
    best, encodes = 0.0, 1
    for index in sorted(int(coded["coding_index"][i]) for i in largest):
        tries = [{**kept, index: offset} for offset in OFFSETS if offset]
        results = encoded(tries)
        encodes += len(tries)
        for offsets, result in zip(tries, results, strict=True):
            if result.kbps <= 1.002 * max(target, own.kbps) and gain(result) > best:
                best, kept = gain(result), dict(offsets)
    return best, encodes


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, nargs="*", metavar="CLIP")
    parser.add_argument("--max-frames", type=int, default=48, metavar="N")
    parser.add_argument("--decisions", type=int, default=6, metavar="N")
    options = parser.parse_args()
    toy = Toy()
    print(f"toy: the best plan {toy.best():+.2f} %")
    for decision in ("mean", "argmax"):
        for simulations in (16, 32):
            gain = play_toy(toy, simulations, decision)
            print(f"toy, {simulations} simulations, {decision} played: {gain:+.2f} %", flush=True)
    changes = ("data.augment=false", f"data.max_frames={options.max_frames}", "actor.encoders=1")
    config = override(Config(), changes)
    with tempfile.TemporaryDirectory() as cache, ClipStore(libvpx_engine(), config, Path(cache)) as store:
        clips = [Instance(clip.stem, clip.stem, (clip,)) for clip in options.clips]
        for instance in store.prepared(clips):
            gain, encodes = search_encoder(store, instance, options.decisions)
            print(f"{instance.name}: {gain:+.2f} % with {encodes} encodes", flush=True)


if __name__ == "__main__":
    main()
