"""Observations: arrays of fixed shapes, made of the extension's feature tables.

Legend: T shown frames of a clip, W frames of the window; C, X, S features per clip, per shown
frame, per coded frame.
"""

from typing import Any, NamedTuple

import gymnasium
import numpy as np
import numpy.typing as npt

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.encode.result import FirstPass

WINDOW = 48
"""Shown frames that an observation covers."""
BEHIND = 8
"""How many of them lie before the current frame."""
LIMIT = 16.0
"""Features are scaled to about [-2, 2]; whatever lies beyond this is cut."""

GOP_FEATURES = (
    *("asks_shape", "asks_qindex", "gop_index", "frames_left", "flush"),
    *("length", "layers", "strength_is_own", "strength"),
)
"""What "gop" holds, in order: what is asked; of a GOP that is to begin its number / 16, the frames left for
it / 32 and whether all after it get its shape; of the shape asked for last its length / 16 (0: libvpx's own),
its layers / 6, whether the filter's strength is as configured, and the strength / 6."""

Observation = dict[str, npt.NDArray[np.float32]]


class ClipFeatures(NamedTuple):
    """What is known before the first frame."""

    clip: npt.NDArray[np.float32]
    """`[C]`"""
    frames: npt.NDArray[np.float32]
    """`[T, X]`"""


def feature_names() -> dict[str, list[str]]:
    """The names of the features in "clip", "frame" and "step", in order."""
    tables = _native.feature_tables()
    return {table: [name for name, _ in tables[table]] for table in ("clip", "frame", "step")}


def observation_space(window: int = WINDOW, *, shapes: bool = False) -> gymnasium.spaces.Dict:
    """Dict of "window" `[W, X]`, "clip" `[C]` and "step" `[S]`, all f4; with `shapes` also "gop" `[G]`."""
    tables = _native.feature_tables()
    sizes: dict[str, tuple[int, ...]] = {
        "window": (window, len(tables["frame"])),
        "clip": (len(tables["clip"]),),
        "step": (len(tables["step"]),),
    }
    if shapes:
        sizes["gop"] = (len(GOP_FEATURES),)
    return gymnasium.spaces.Dict(
        {name: gymnasium.spaces.Box(-LIMIT, LIMIT, shape, np.float32) for name, shape in sizes.items()}
    )


def clip_features(config: EncoderConfig, first: FirstPass) -> ClipFeatures:
    """The features of a whole clip under `config.target_kbps`."""
    tables = _native.feature_tables()
    clip = np.zeros(len(tables["clip"]), np.float32)
    frames = np.zeros((first.frames, len(tables["frame"])), np.float32)
    stats = np.ascontiguousarray(first.stats)
    _native.observe_clip(config.width, config.height, config.target_kbps, stats, clip, frames)
    return ClipFeatures(clip, frames)


def observe(
    features: ClipFeatures, show_index: int, step: npt.NDArray[np.float32], window: int = WINDOW
) -> Observation:
    """One observation: the frames round `show_index` (zeros beyond the clip), clip and step features."""
    frames = np.zeros((window, features.frames.shape[1]), np.float32)
    start = show_index - min(BEHIND, window - 1)
    inside = slice(max(start, 0), max(start + window, 0))
    part = features.frames[inside]
    frames[inside.start - start : inside.start - start + len(part)] = part
    observation = {"window": frames, "clip": features.clip, "step": np.asarray(step, np.float32)}
    return {name: np.clip(array, -LIMIT, LIMIT) for name, array in observation.items()}


def observe_gop(event: np.void, shape: GopShape, config: EncoderConfig, *, asks_shape: bool) -> Observation:
    """Of a question, "gop" `[G]` of GOP_FEATURES; `shape` was asked for last."""
    values = {
        "asks_shape": asks_shape,
        "asks_qindex": not asks_shape,
        "gop_index": event["gop_index"] / 16 if asks_shape else 0,
        "frames_left": event["frames_left"] / 32,
        "flush": event["flush"],
        "length": shape.length / 16,
        "layers": (shape.layers if shape.layers > 0 else config.auto_alt_ref) / 6,
        "strength_is_own": shape.strength < 0,
        "strength": max(shape.strength, 0) / 6,
    }
    gop = np.array([values[name] for name in GOP_FEATURES], np.float32)
    return {"gop": np.clip(gop, -LIMIT, LIMIT)}


def nothing(window: int = WINDOW, *, shapes: bool = False) -> Observation:
    """The observation where there is none: zeros."""
    space = observation_space(window, shapes=shapes)
    return {name: np.zeros(box.shape or (), np.float32) for name, box in space.spaces.items()}


def request_info(event: np.void) -> dict[str, Any]:
    """What an environment's `info` says of the frame that waits for a qindex."""
    return {
        "frame_type": int(event["frame_type"]),
        "show_index": int(event["show_index"]),
        "coding_index": int(event["coding_index"]),
        "layer": int(event["layer"]),
        "reference_qindex": int(event["q_ref"]),
    }
