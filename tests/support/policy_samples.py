"""Networks with weights that say something, and real states to try them on."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.layouts import RECORD, Records
from encoder_bridge.encode.result import FirstPass
from muzero_rc.agent.batch import privileged_width
from muzero_rc.agent.networks import Networks, look_up, make_networks
from muzero_rc.config.schema import NetworkConfig
from muzero_rc.types import ClipBatch, Params, Widths

FloatArray = npt.NDArray[np.float32]


class States(NamedTuple):
    """Coded frames of one clip."""

    clip: FloatArray  # [C]
    frames: FloatArray  # [T, X]
    steps: FloatArray  # [N, S]
    show_index: npt.NDArray[np.int32]  # [N]


def widths() -> Widths:
    return Widths.of(_native)


def feature_version() -> int:
    return int(_native.versions()["feature_version"])


def network(config: NetworkConfig, seed: int = 0) -> tuple[Networks, Params]:
    """The network with random weights, also in the heads, which a fresh one has at zero."""
    networks = make_networks(config, widths())
    rng = np.random.default_rng(seed)

    def draw(path: tuple[Any, ...], like: jax.ShapeDtypeStruct) -> FloatArray:
        spread = like.shape[0] ** -0.5 if len(like.shape) > 1 else 0.1
        centre = 1.0 if path[-1].key == "scale" else 0.0
        return np.asarray(centre + spread * rng.normal(size=like.shape), np.float32)

    shapes = jax.eval_shape(networks.init, jax.random.PRNGKey(0))  # far quicker than a real init
    return networks, jax.tree_util.tree_map_with_path(draw, shapes)


def random_states(frames: int, count: int, seed: int = 0) -> States:
    rng = np.random.default_rng(seed)
    clip_width, frame_width, step_width = widths()[:3]
    return States(
        rng.normal(size=clip_width).astype(np.float32),
        rng.normal(size=(frames, frame_width)).astype(np.float32),
        rng.normal(size=(count, step_width)).astype(np.float32),
        rng.integers(0, frames, count).astype(np.int32),
    )


def states_of(
    config: EncoderConfig, first: FirstPass, records: Records, target_kbps: int
) -> tuple[States, npt.NDArray[np.int32]]:
    """What a policy saw in an encode, or would have seen under another target; and q_ref, i4[N]."""
    sizes = widths()
    clip, frames = np.zeros(sizes.clip, np.float32), np.zeros((first.frames, sizes.frame), np.float32)
    stats = np.ascontiguousarray(first.stats)
    _native.observe_clip(config.width, config.height, target_kbps, stats, clip, frames)
    steps = np.zeros((len(records), sizes.step), np.float32)
    q_ref = np.zeros(len(records), np.int32)
    records = np.ascontiguousarray(records, RECORD)
    _native.replay_features(config.width, config.height, target_kbps, stats, records, steps, q_ref)
    decided = records["frame_type"] >= 0
    show_index = np.ascontiguousarray(records["show_index"][decided], np.int32)
    return States(clip, frames, np.ascontiguousarray(steps[decided]), show_index), q_ref[decided]


def jax_logits(networks: Networks, params: Params, clips: Sequence[States]) -> list[FloatArray]:
    """f4[N, A] of each clip, by the learner's own functions, as one batch in which short clips are padded."""

    @jax.jit
    def run(params: Params, batch: States, length: npt.NDArray[np.int64]) -> jax.Array:
        encoding = networks.encode_clip(params, ClipBatch(batch.clip, batch.frames, length))
        state = networks.represent(params, look_up(encoding, batch.show_index), batch.steps)
        unpaired = jnp.zeros((*state.shape[:-1], privileged_width(widths().layers)))  # the critic's alone
        return jnp.asarray(networks.predict(params, state, unpaired).policy_logits)

    batch = States(*(_padded(arrays) for arrays in zip(*clips, strict=True)))
    logits = np.asarray(run(params, batch, np.array([len(one.frames) for one in clips])))
    return [of_clip[: len(one.steps)] for of_clip, one in zip(logits, clips, strict=True)]


def _padded(arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """[B, longest, ...]: zeros behind what is shorter."""
    longest = max(len(array) for array in arrays)
    rest = [[(0, longest - len(array)), *[(0, 0)] * (array.ndim - 1)] for array in arrays]
    return np.stack([np.pad(array, pad) for array, pad in zip(arrays, rest, strict=True)])


def c_logits(policy: Any, actions: int, states: States) -> FloatArray:
    """f4[N, A], by the C runtime."""
    out = np.full((len(states.steps), actions), np.nan, np.float32)
    policy.forward(states.clip, states.frames, states.steps, states.show_index, out)
    return out


TOLERANCE = 1e-4
"""Of the greatest absolute logit of a state: how far C and JAX may be apart in each of its logits."""


def check_same(c: FloatArray, jax: FloatArray) -> tuple[float, int]:
    """Fails where C and JAX say different things of a state; both f4[N, A].

    Returns the largest difference, as a share of its state's greatest logit, and how often the likeliest
    action differs: only between neighbours that are as good as equal.
    """
    apart = np.abs(c - jax) / np.abs(jax).max(axis=-1, keepdims=True)
    assert np.all(apart <= TOLERANCE)
    best_c, best_jax = c.argmax(axis=-1), jax.argmax(axis=-1)
    differ = np.flatnonzero(best_c != best_jax)
    for i in differ:
        second, first = np.sort(jax[i])[-2:]
        assert first - second <= 1e-3
        assert abs(int(best_c[i]) - int(best_jax[i])) == 1
    return float(apart.max()), len(differ)
