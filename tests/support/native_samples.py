"""Clips and whole encodes for the tests of the extension, straight over `_native`."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from encoder_bridge import _native
from encoder_bridge.encode.layouts import EVENT

WAIT_S = 120.0
"""A deadline that only a hang reaches."""


def frame_bytes(width: int, height: int) -> int:
    return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)


def moving_texture(width: int, height: int, frames: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """`[T, frame_bytes]` u1: a smooth texture that pans, with a little noise and drifting colour."""
    rng = np.random.default_rng(seed)
    field = rng.integers(0, 256, (height + 64, width + 64)).astype(np.float32)
    for _ in range(3):
        field = (field + np.roll(field, 1, 0) + np.roll(field, 1, 1) + np.roll(field, (1, 1), (0, 1))) / 4
    field = (field - field.min()) / np.ptp(field) * 240
    chroma = ((height + 1) // 2) * ((width + 1) // 2)
    clip = np.full((frames, frame_bytes(width, height)), 128, np.uint8)
    for t in range(frames):
        luma = field[t % 64 : t % 64 + height, 2 * t % 64 : 2 * t % 64 + width]
        noise = rng.integers(0, 4, luma.shape)
        clip[t, : luma.size] = (luma + noise).astype(np.uint8).ravel()
        clip[t, -chroma:] += np.uint8(t % 20)
    return clip


def settings(width: int, height: int, **changes: int) -> dict[str, int]:
    """Encoder settings at 25 frames a second that are quick, with `changes`."""
    chosen = {"timebase_num": 1, "timebase_den": 25, "target_kbps": 120, "cpu_used": 5}
    return chosen | {"width": width, "height": height} | changes


def first_pass(pool: _native.Pool, config: dict[str, int], clip: Any) -> bytes:
    pool.start(0, config, clip)
    finish(pool, 0)
    return pool.stats(0)


def finish(pool: _native.Pool, slot: int) -> dict[str, Any]:
    assert pool.wait(slot, WAIT_S)
    outcome = pool.outcome(slot)
    assert outcome["ok"], outcome["error"]
    return outcome


def packets_of(pool: _native.Pool, slot: int) -> list[bytes]:
    return [data for _, _, data in pool.take_packets(slot)]


def answer(pool: _native.Pool, choose: Callable[[np.void], int]) -> int:
    """Answers every question with what `choose` says until nothing runs; returns how many there were."""
    events = np.zeros(8, EVENT)
    decisions = 0
    while count := pool.recv(1, WAIT_S, events):
        asked = events[:count][events["kind"][:count] == _native.EVENT_DECISION]
        qindexes = np.array([choose(event) for event in asked], np.int32)
        pool.send(np.ascontiguousarray(asked["slot"]), qindexes)
        decisions += len(asked)
    return decisions
