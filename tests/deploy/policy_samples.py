"""Networks with weights that say something, and real states to try them on."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from encoder_bridge import _native
from muzero_rc.config import NetworkConfig
from muzero_rc.networks import Networks, look_up, make_networks
from muzero_rc.types import ClipBatch, Params, Widths

FloatArray = npt.NDArray[np.float32]


class States(NamedTuple):
    """Coded frames of one clip."""

    clip: FloatArray  # [C]
    frames: FloatArray  # [T, X]
    steps: FloatArray  # [N, S]
    show_index: npt.NDArray[np.int32]  # [N]


def widths() -> Widths:
    return Widths.of(_native.feature_tables())


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
    clip_width, frame_width, step_width = widths()
    return States(
        rng.normal(size=clip_width).astype(np.float32),
        rng.normal(size=(frames, frame_width)).astype(np.float32),
        rng.normal(size=(count, step_width)).astype(np.float32),
        rng.integers(0, frames, count).astype(np.int32),
    )


def jax_logits(networks: Networks, params: Params, clips: Sequence[States]) -> list[FloatArray]:
    """f4[N, A] of each clip, by the learner's own functions, as one batch; the clips are equally long."""

    @jax.jit
    def run(params: Params, batch: States, length: npt.NDArray[np.int64]) -> jax.Array:
        encoding = networks.encode_clip(params, ClipBatch(batch.clip, batch.frames, length))
        state = networks.represent(params, look_up(encoding, batch.show_index), batch.steps)
        return jnp.asarray(networks.predict(params, state).policy_logits)

    batch = States(*map(np.stack, zip(*clips, strict=True)))
    return list(np.asarray(run(params, batch, np.full(len(clips), batch.frames.shape[1]))))


def c_logits(policy: Any, actions: int, states: States) -> FloatArray:
    """f4[N, A], by the C runtime."""
    out = np.full((len(states.steps), actions), np.nan, np.float32)
    policy.forward(states.clip, states.frames, states.steps, states.show_index, out)
    return out
