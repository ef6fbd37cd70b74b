"""Fits the policy `shapes`: from what the lookahead says of a GOP that might be to what it is worth.

A small network learns both at once, the credits of GOPs (`muzero_rc.shapes.credits`) and the gains of whole
sequences; several networks, begun differently and each without some of the clips at every step, are joined
into one. Dynamic programming over lengths looks for what they overrate, so their word is taken by half, and
lengths far from a usual GOP's cost a little: what such lengths cost on average.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from encoder_bridge import _native
from muzero_rc.deploy.policy_file import write_policy_file
from muzero_rc.encoding.gop_search import LONGER, SHORTER, USUAL
from muzero_rc.shapes.credits import Sequences
from muzero_rc.types import Array

LIMIT = 3  # of a scaled feature
TRUST = 0.5  # in what the networks say
LEAST_SPREAD, LEAST_CREDIT = 1.5, 3.0  # per cent: below it a clip's gains say little
GREATEST_GAIN, GREATEST_CREDIT = 15.0, 25.0  # per cent, so that few clips do not rule
FAMILIAR = 0.9  # of the clips that were learned from: what is stranger is left to libvpx

Params = dict[str, Any]


@dataclass(frozen=True)
class FitSettings:
    """What a fit is made with; as it stands, what the policy that ships was fitted with.

    Attributes:
      networks: how many are joined; they begin at seeds 0, 1, ...
      width: of each network.
      steps: of the optimizer.
      sequence_loss, credit_loss: weights of whole sequences and of single GOPs.
      kept: share of the clips that a step learns from.
      noise: added to scaled features, standard deviation.
      decay: of weights.
    """

    networks: int = 6
    width: int = 16
    steps: int = 300
    sequence_loss: float = 1.0
    credit_loss: float = 0.1
    kept: float = 0.7
    noise: float = 0.3
    decay: float = 0.1


SHIPPED = FitSettings()


def less_group_means(values: Any, data: Sequences) -> Any:
    """What differs between the encodes of one clip at one target."""
    groups = int(data.group.max()) + 1
    counts = np.bincount(data.group, minlength=groups)
    return values - (jax.ops.segment_sum(values, data.group, groups) / counts)[data.group]


def network(params: Params, x: Any) -> Any:
    """Worth [...] of scaled features [..., F]."""
    for layer in ("in", "hidden"):
        x = jax.nn.relu(x @ params[f"{layer}.w"] + params[f"{layer}.b"])
    return (x @ params["out.w"] + params["out.b"])[..., 0]


def initial(seed: int, features: int, width: int = SHIPPED.width) -> Params:
    """Random weights; the output begins at 0. "tail" is what a frame without an alt-ref is worth."""
    rng = np.random.default_rng(seed)
    sizes = {"in": (features, width), "hidden": (width, width)}
    params: Params = {"out.w": jnp.zeros((width, 1)), "out.b": jnp.zeros(1), "tail": jnp.zeros(())}
    for name, (rows, columns) in sizes.items():
        params[f"{name}.w"] = jnp.asarray(rng.normal(0, rows**-0.5, (rows, columns)), jnp.float32)
        params[f"{name}.b"] = jnp.zeros(columns)
    return params


def huber(error: Any) -> Any:
    """Squared up to 1.5, then straight on."""
    size = jnp.abs(error)
    return jnp.where(size < 1.5, size**2, 3.0 * size - 2.25)


def fit(data: Sequences, mean: Array, scale: Array, seed: int, settings: FitSettings = SHIPPED) -> Params:
    """One network's weights."""
    x = np.clip((data.features - mean) * scale, -LIMIT, LIMIT).astype(np.float32)
    gain = np.asarray(less_group_means(np.clip(data.gain, -GREATEST_GAIN, GREATEST_GAIN), data))
    groups, encodes = int(data.group.max()) + 1, len(gain)
    spread_of = np.sqrt(np.bincount(data.group, gain**2) / np.bincount(data.group))[data.group]
    spread_of = np.maximum(spread_of, LEAST_SPREAD)
    credit = np.clip(data.credit, -GREATEST_CREDIT, GREATEST_CREDIT)
    credit_spread = np.maximum(spread_of, LEAST_CREDIT)[data.of]

    def loss(params: Params, key: Any) -> Any:
        noise, kept = jax.random.split(key)
        keep = jax.random.bernoulli(kept, settings.kept, (groups,))[data.group]
        worth = network(params, x + settings.noise * jax.random.normal(noise, x.shape))
        summed = jax.ops.segment_sum(worth * data.share, data.of, encodes) + 10 * params["tail"] * data.tail
        whole = huber((less_group_means(summed, data) - gain) / spread_of)
        single = data.share * huber((worth - credit) / credit_spread)
        of_sequences = settings.sequence_loss * (keep * whole).mean()
        return of_sequences + settings.credit_loss * (keep[data.of] * single).sum() / encodes

    rate = optax.cosine_decay_schedule(1e-2, settings.steps)
    optimizer = optax.adamw(rate, weight_decay=settings.decay)
    params = initial(seed, x.shape[1], settings.width)
    state = optimizer.init(params)

    @jax.jit
    def step(params: Params, state: Any, key: Any) -> Any:
        updates, state = optimizer.update(jax.grad(loss)(params, key), state, params)
        return optax.apply_updates(params, updates), state

    with jax.threefry_partitionable(False):  # from JAX 0.5 on it is True, which draws other numbers
        for key in jax.random.split(jax.random.PRNGKey(seed), settings.steps):
            params, state = step(params, state, key)
    return {name: np.asarray(value) for name, value in params.items()}


def joined(networks: Sequence[Params]) -> Params:
    """One network whose output is the mean of theirs."""
    count, width = len(networks), len(networks[0]["in.b"])
    hidden = np.zeros((count * width, count * width), np.float32)
    for i, one in enumerate(networks):
        place = slice(i * width, (i + 1) * width)
        hidden[place, place] = one["hidden.w"]
    return {
        "in.w": np.concatenate([one["in.w"] for one in networks], 1),
        "in.b": np.concatenate([one["in.b"] for one in networks]),
        "hidden.w": hidden,
        "hidden.b": np.concatenate([one["hidden.b"] for one in networks]),
        "out.w": np.concatenate([one["out.w"] for one in networks]) / count,
        "out.b": np.mean([one["out.b"] for one in networks], 0),
        "tail": np.mean([one["tail"] for one in networks]),
    }


def with_doubt(params: Params, mean: Array, scale: Array, trust: float = TRUST) -> Params:
    """The network's word taken by `trust`, less what unusual lengths cost: two more units a layer."""
    length = [name for name, _ in _native.feature_tables()["shape"]].index("length")  # log2 of frames / 10
    features, width = params["in.w"].shape
    usual = np.log2(USUAL / 10)
    wider = {
        "in.w": np.zeros((features, width + 2), np.float32),
        "hidden.w": np.zeros((width + 2, width + 2), np.float32),
    }
    wider["in.w"][:, :width] = params["in.w"]
    wider["hidden.w"][:width, :width] = params["hidden.w"]
    wider["in.w"][length, width:] = np.array([-1.0, 1.0]) / scale[length]
    wider["hidden.w"][[width, width + 1], [width, width + 1]] = 1.0
    beyond = mean[length] - usual
    return {
        **params,
        **wider,
        "in.b": np.append(params["in.b"], [-beyond, beyond]),
        "hidden.b": np.append(params["hidden.b"], [0.0, 0.0]),
        "out.w": np.concatenate([trust * params["out.w"], [[-SHORTER], [-LONGER]]]),
        "out.b": trust * params["out.b"],
    }


def norm_of(data: Sequences) -> tuple[Array, Array]:
    """Mean [F] and scale [F] of the features."""
    return data.features.mean(0), 1.0 / (data.features.std(0) + 1e-6)


def fit_all(data: Sequences, settings: FitSettings = SHIPPED) -> tuple[Params, Array, Array]:
    """The joined network, and mean [F] and scale [F] of its features."""
    mean, scale = norm_of(data)
    networks = [fit(data, mean, scale, seed, settings) for seed in range(settings.networks)]
    return joined(networks), mean, scale


def strange_most(data: Sequences, mean: Array, scale: Array, familiar: float = FAMILIAR) -> float:
    """The share of strange GOPs, 0 to 1, that so many clips at a target stay below.

    A GOP is strange where one of its scaled features is beyond LIMIT.
    """
    strange = (np.abs((data.features - mean) * scale) > LIMIT).any(1)
    group = data.group[data.of]
    return float(np.quantile(np.bincount(group, strange) / np.bincount(group), familiar))


def gains_said(params: Params, mean: Array, scale: Array, data: Sequences) -> Array:
    """f8[N]: what a network says that each encode gains, but for a number that its clip's encodes share."""
    worth = np.asarray(network(params, np.clip((data.features - mean) * scale, -LIMIT, LIMIT)))
    summed = np.bincount(data.of, worth * data.share, len(data.gain))
    return np.asarray(summed + 10 * params["tail"] * data.tail)


def write_shapes(
    path: Path,
    data: Sequences,
    provenance: Mapping[str, Any],
    settings: FitSettings = SHIPPED,
    careful: bool = False,
) -> None:
    """Fits to all of the data and writes the policy file, as `write_fit` does.

    With `careful`, what is stranger than FAMILIAR of the clips is left to libvpx.
    """
    fitted = fit_all(data, settings)
    write_fit(path, fitted, provenance, strange=strange_most(data, *fitted[1:]) if careful else None)


def write_fit(
    path: Path,
    fitted: tuple[Params, Array, Array],
    provenance: Mapping[str, Any],
    trust: float = TRUST,
    strange: float | None = None,
) -> None:
    """Writes the policy file of a fit by `fit_all`; it appears under its name when it is whole.

    Args:
      path: of the file.
      fitted: the joined network, mean and scale of its features.
      provenance: see `write_policy_file`.
      trust: in what the network says.
      strange: share of strange GOPs ahead beyond which their lengths are libvpx's own; None: never.

    Raises:
      OSError: the file cannot be written; what was there before still is.
    """
    params, mean, scale = fitted
    params = with_doubt(params, mean, scale, trust)
    deployed = {name: value for name, value in params.items() if name != "tail"}
    deployed |= {"norm.mean": mean, "norm.scale": scale}
    tensors = {f"shapes_{name}": np.asarray(value, np.float32) for name, value in deployed.items()}
    sizes = {"features": len(mean), "width": len(params["in.b"]), "limit": LIMIT}
    if strange is not None:
        sizes["strange"] = round(1000 * strange)
    metadata = {"feature_version": _native.versions()["feature_version"], "shapes": sizes}
    write_policy_file(path, tensors, metadata, provenance)
