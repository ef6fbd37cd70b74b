"""What a vector of environments takes and gives: seeds, masks, infos, answers in order."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from encoder_bridge.env.observation import Observation
from encoder_bridge.errors import BadInput, NotRunning

Seeds: TypeAlias = int | list[int | None] | None

RAGGED = ("stats", "frame_features", "packet_bytes", "packet_sse_y", "records", "shown")
"""What in `infos` is an array of arrays (dtype object): each environment's has a length of its own."""


class Ready(NamedTuple):
    """Environments that have something to say; n of them."""

    ids: npt.NDArray[np.int32]
    """`[n]` which ones."""
    observations: Observation
    """Each `[n, ...]`."""
    rewards: npt.NDArray[np.float64]
    terminations: npt.NDArray[np.bool_]
    """`[n]` True: the episode ended; the next thing it sends is a new one's first request."""
    infos: list[dict[str, Any]]


def seeds_of(seed: Seeds, count: int) -> list[int | None]:
    """One seed for each environment: n stands for n, n + 1, ..., as in Gymnasium.

    Raises:
        BadInput: a list of another length.
    """
    if isinstance(seed, list):
        if len(seed) != count:
            raise BadInput(f"{len(seed)} seeds do not fit {count} environments: give one for each")
        return seed
    return [None if seed is None else seed + i for i in range(count)]


def check_mask(mask: Any, count: int) -> npt.NDArray[np.bool_]:
    """`[count]` True for those to reset; None is all.

    Raises:
        BadInput: it is no such array.
    """
    if mask is None:
        return np.ones(count, bool)
    if not isinstance(mask, np.ndarray) or mask.shape != (count,) or mask.dtype != bool or not mask.any():
        raise BadInput(f"reset_mask {mask} is no mask: use a numpy array of {count} bools, one True at least")
    return mask


def in_order(ready: Ready, count: int) -> Ready:
    """The answers of all environments, the first one's first.

    Raises:
        NotRunning: some did not answer.
    """
    if len(ready.ids) != count:
        raise NotRunning(f"{len(ready.ids)} of {count} environments answered: reset() starts all")
    order = np.argsort(ready.ids)
    return Ready(
        ready.ids[order],
        {name: array[order] for name, array in ready.observations.items()},
        ready.rewards[order],
        ready.terminations[order],
        [ready.infos[i] for i in order],
    )


def ragged_infos(infos: list[dict[str, Any]]) -> dict[str, Any]:
    """What is RAGGED in the infos of all environments: "x" with a value for each, "_x" for whom it is one."""
    merged: dict[str, Any] = {}
    for name in RAGGED:
        if any(name in info for info in infos):
            merged[name] = np.full(len(infos), None, object)
            merged[f"_{name}"] = np.array([name in info for info in infos])
            for i, info in enumerate(infos):
                merged[name][i] = info.get(name)
    return merged
