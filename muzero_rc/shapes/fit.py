"""Fits the policy `shapes`: from what the lookahead says of a GOP that might be to what it is worth.

A small network learns both at once, the credits of GOPs (`muzero_rc.shapes.credits`) and the gains of whole
sequences; several networks, begun differently and each without some of the clips at every step, are joined
into one. Dynamic programming over lengths looks for what they overrate, so their word is taken by half, and
lengths far from a usual GOP's cost a little: what such lengths cost on average.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from encoder_bridge import _native
from muzero_rc.deploy.policy_file import write_policy_file
from muzero_rc.shapes.credits import Sequences
from muzero_rc.types import Array

LIMIT = 3  # of a scaled feature
WIDTH = 16  # of each network
NETWORKS = 6
STEPS = 300
CREDIT_LOSS = 0.1  # weight of single GOPs beside whole sequences
KEPT = 0.7  # of the clips at every step
NOISE = 0.3  # added to scaled features
DECAY = 0.1
TRUST = 0.5  # in what the networks say
USUAL = 16  # frames of a GOP
SHORTER, LONGER = 1.2, 0.5  # what an octave to either side of it costs, per cent
LEAST_SPREAD, LEAST_CREDIT = 1.5, 3.0  # per cent: below it a clip's gains say little
GREATEST_GAIN, GREATEST_CREDIT = 15.0, 25.0  # per cent, so that few clips do not rule

Params = dict[str, Any]


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


def initial(seed: int, features: int) -> Params:
    """Random weights; the output begins at 0. "tail" is what a frame without an alt-ref is worth."""
    rng = np.random.default_rng(seed)
    sizes = {"in": (features, WIDTH), "hidden": (WIDTH, WIDTH)}
    params: Params = {"out.w": jnp.zeros((WIDTH, 1)), "out.b": jnp.zeros(1), "tail": jnp.zeros(())}
    for name, (rows, columns) in sizes.items():
        params[f"{name}.w"] = jnp.asarray(rng.normal(0, rows**-0.5, (rows, columns)), jnp.float32)
        params[f"{name}.b"] = jnp.zeros(columns)
    return params


def huber(error: Any) -> Any:
    """Squared up to 1.5, then straight on."""
    size = jnp.abs(error)
    return jnp.where(size < 1.5, size**2, 3.0 * size - 2.25)


def fit(data: Sequences, mean: Array, scale: Array, seed: int) -> Params:
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
        keep = jax.random.bernoulli(kept, KEPT, (groups,))[data.group]
        worth = network(params, x + NOISE * jax.random.normal(noise, x.shape))
        summed = jax.ops.segment_sum(worth * data.share, data.of, encodes) + 10 * params["tail"] * data.tail
        whole = huber((less_group_means(summed, data) - gain) / spread_of)
        single = data.share * huber((worth - credit) / credit_spread)
        return (keep * whole).mean() + CREDIT_LOSS * (keep[data.of] * single).sum() / encodes

    optimizer = optax.adamw(optax.cosine_decay_schedule(1e-2, STEPS), weight_decay=DECAY)
    params = initial(seed, x.shape[1])
    state = optimizer.init(params)

    @jax.jit
    def step(params: Params, state: Any, key: Any) -> Any:
        updates, state = optimizer.update(jax.grad(loss)(params, key), state, params)
        return optax.apply_updates(params, updates), state

    for key in jax.random.split(jax.random.PRNGKey(seed), STEPS):
        params, state = step(params, state, key)
    return {name: np.asarray(value) for name, value in params.items()}


def joined(networks: Sequence[Params]) -> Params:
    """One network whose output is the mean of theirs."""
    count = len(networks)
    hidden = np.zeros((count * WIDTH, count * WIDTH), np.float32)
    for i, one in enumerate(networks):
        place = slice(i * WIDTH, (i + 1) * WIDTH)
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


def fit_all(data: Sequences) -> tuple[Params, Array, Array]:
    """The joined network, and mean [F] and scale [F] of its features."""
    mean, scale = data.features.mean(0), 1.0 / (data.features.std(0) + 1e-6)
    return joined([fit(data, mean, scale, seed) for seed in range(NETWORKS)]), mean, scale


def original_of(clip: str) -> str:
    """What clips that were cut out of one video share: the name without its number."""
    return re.sub(r"-\d+$", "", clip)


def originals(clips: Iterable[str]) -> list[str]:
    """Of clips by name, each once, in order."""
    return sorted({original_of(clip) for clip in clips})


@dataclass(frozen=True)
class LeftOut:
    """How a fit does on clips that it did not see.

    Attributes:
      correlation: of foreseen and measured gains inside a clip at a target, mean over these.
      r2: share of their variance inside clips that is foreseen; below 0 where nothing foreseen is better.
    """

    correlation: float
    r2: float

    def __str__(self) -> str:
        return f"left out: correlation inside a clip {self.correlation:+.3f}, R2 {self.r2:+.3f}"


def folds_of(data: Sequences, folds: int) -> Array:
    """i4[N]: the fold of each encode; clips of one original are in one fold."""
    order = np.random.default_rng(0).permutation(originals(data.clip)).tolist()
    return np.array([order.index(original_of(one)) % folds for one in data.clip])


def left_out(data: Sequences, folds: int, clips: int | None = None) -> LeftOut:
    """How the fit does on clips that it did not see.

    Args:
      data: of as many originals as there are folds, or more.
      folds: 2 or more.
      clips: of the other folds, drawn, that each fit may see; None: all.
    """
    fold = folds_of(data, folds)
    said = np.zeros(len(data.gain))
    for k in range(folds):
        seen = fold != k
        if clips is not None:
            names = np.random.default_rng(0).permutation(sorted(set(data.clip[seen])))
            seen &= np.isin(data.clip, names[:clips])
        params, mean, scale = fit_all(data.only(seen))
        test = data.only(fold == k)
        worth = np.asarray(network(params, np.clip((test.features - mean) * scale, -LIMIT, LIMIT)))
        summed = np.bincount(test.of, worth * test.share, len(test.gain))
        said[fold == k] = summed + 10 * params["tail"] * test.tail
    gain = np.clip(data.gain, -GREATEST_GAIN, GREATEST_GAIN)
    inside = [
        np.corrcoef(said[data.group == g], gain[data.group == g])[0, 1]
        for g in range(data.group.max() + 1)
        if gain[data.group == g].std() > 0
    ]
    rest, all_of = (np.asarray(less_group_means(v, data)) for v in (gain - said, gain))
    return LeftOut(float(np.mean(inside)), float(1 - (rest**2).sum() / (all_of**2).sum()))


def write_shapes(path: Path, data: Sequences, provenance: Mapping[str, Any]) -> None:
    """Fits to all of the data and writes the policy file, as `write_fit` does."""
    write_fit(path, fit_all(data), provenance)


def write_fit(
    path: Path, fitted: tuple[Params, Array, Array], provenance: Mapping[str, Any], trust: float = TRUST
) -> None:
    """Writes the policy file of a fit by `fit_all`; it appears under its name when it is whole.

    Raises:
      OSError: the file cannot be written; what was there before still is.
    """
    params, mean, scale = fitted
    params = with_doubt(params, mean, scale, trust)
    deployed = {name: value for name, value in params.items() if name != "tail"}
    deployed |= {"norm.mean": mean, "norm.scale": scale}
    tensors = {f"shapes_{name}": np.asarray(value, np.float32) for name, value in deployed.items()}
    sizes = {"features": len(mean), "width": len(params["in.b"]), "limit": LIMIT}
    metadata = {"feature_version": _native.versions()["feature_version"], "shapes": sizes}
    write_policy_file(path, tensors, metadata, provenance)
