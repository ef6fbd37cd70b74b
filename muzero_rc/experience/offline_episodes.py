"""Episodes of `Vp9Encode-v0` for learning without an encoder: scans of GOP shapes and offsets, and replays.

Every action is [length, layers, strength, offset] of an environment whose last part reaches every qindex
from every q_ref (`OFFSETS`), so that any encode can be told in it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.encode.layouts import LAYERS as LAYER_NAMES
from encoder_bridge.encode.layouts import SHOW_EXISTING
from encoder_bridge.env import Vp9EncodeEnv
from encoder_bridge.env.actions import LAYERS, LENGTHS, STRENGTHS
from muzero_rc.experience.episode import Episode
from muzero_rc.types import Array

OFFSETS = tuple(range(-254, 255))
NEUTRAL = OFFSETS.index(0)
OWN_SHAPE = (0, 0, 0)
"""Choices that leave a GOP's shape to libvpx."""

INFOS = (
    *("asks_shape", "show_index", "frame_type", "layer", "reference_qindex"),
    *("bits", "sse", "sse_y", "qindex", "is_shown", "show_existing"),
)
"""What is kept of an environment's `info`: the question that waits, then what became of the last answer."""

Decide: TypeAlias = Callable[[dict[str, Any]], tuple[int, int, int, int]]
"""(info of the question) -> action"""


@dataclass(frozen=True)
class OfflineEpisode:
    """One episode of N steps.

    Attributes:
      observations: by name, each [N + 1, ...].
      actions: [N, 4] i8.
      rewards: [N] f8.
      infos: INFOS, each [N + 1]; -1 where there is nothing to tell.
      note: what it is: clip, target, who decided, what came of it.
    """

    observations: dict[str, Array]
    actions: Array
    rewards: Array
    infos: dict[str, Array]
    note: dict[str, Any]


def play(env: Vp9EncodeEnv, decide: Decide, note: dict[str, Any], **options: Any) -> OfflineEpisode:
    """Plays one episode.

    Args:
      env: whose last part of an action chooses from OFFSETS.
      decide: the actions.
      note: of the episode; clip, target and outcome are added.
      options: of `reset`.
    """
    observation, info = env.reset(options=options)
    begun = {"clip": info["clip"], "target_kbps": info["target_kbps"]}
    observations, infos = [observation], [info]
    actions: list[tuple[int, int, int, int]] = []
    rewards: list[float] = []
    done = False
    while not done:
        actions.append(decide(info))
        observation, reward, done, _, info = env.step(np.array(actions[-1]))
        observations.append(observation)
        rewards.append(reward)
        infos.append(info)
    came = {name: float(info[name]) for name in ("kbps", "overshoot", "psnr_y_db")}
    return OfflineEpisode(
        {name: np.stack([one[name] for one in observations]) for name in observation},
        np.array(actions, np.int64),
        np.array(rewards),
        {name: np.array([int(one.get(name, -1)) for one in infos], np.int64) for name in INFOS},
        {**begun, **note, **came},
    )


@dataclass(frozen=True)
class Scan:
    """One try: shapes of the GOPs in order, then libvpx's own; an offset for each layer of frames.

    Attributes:
      name: what is varied.
      shapes: choices of length, layers and strength.
      offsets: by layer of frames (`layouts.LAYERS`), 0 where there is none.
    """

    name: str
    shapes: tuple[tuple[int, int, int], ...] = ()
    offsets: dict[int, int] = field(default_factory=dict)

    def decider(self) -> Decide:
        """Decides one episode."""
        shapes = iter(self.shapes)

        def decide(info: dict[str, Any]) -> tuple[int, int, int, int]:
            if info["asks_shape"]:
                return (*next(shapes, OWN_SHAPE), NEUTRAL)
            return (*OWN_SHAPE, NEUTRAL + self.offsets.get(info["layer"], 0))

        return decide


def scans(count: int, frames: int, lag_in_frames: int, rng: np.random.Generator) -> Iterator[Scan]:
    """The tries for one clip and target: the controller itself, then shapes, offsets and both by turns.

    Args:
      count: how many.
      frames: of the clip.
      lag_in_frames: of the encoder; bounds the lengths.
      rng: draws them.
    """
    possible = [i for i, length in enumerate(LENGTHS) if length <= lag_in_frames - 2]
    most = frames // min(LENGTHS[1:]) + 1
    for number in range(count):
        kind = "controller" if number == 0 else ("shapes", "offsets", "both")[number % 3]
        shapes: tuple[tuple[int, int, int], ...] = ()
        if kind in ("shapes", "both"):
            shapes = tuple(
                (int(rng.choice(possible)), int(rng.integers(len(LAYERS))), int(rng.integers(len(STRENGTHS))))
                for _ in range(most)
            )
        offsets = {}
        if kind in ("offsets", "both"):
            offsets = {layer: round(rng.normal(0, 8)) for layer in range(len(LAYER_NAMES))}
        yield Scan(kind, shapes, offsets)


def replayed(qindexes: Sequence[int], shapes: Sequence[GopShape] = ()) -> Decide:
    """Decides what was used in another encode of the same clip and target; then libvpx's own shapes."""
    left, left_shapes = iter(qindexes), iter([_choices_of(shape) for shape in shapes])

    def decide(info: dict[str, Any]) -> tuple[int, int, int, int]:
        if info["asks_shape"]:
            return (*next(left_shapes, OWN_SHAPE), NEUTRAL)
        return (*OWN_SHAPE, NEUTRAL + next(left) - info["reference_qindex"])

    return decide


def _choices_of(shape: GopShape) -> tuple[int, int, int]:
    """The action's parts that ask for a shape; its filter's frames are left to libvpx."""
    layers = max(shape.layers, 0) or -1
    return LENGTHS.index(shape.length), LAYERS.index(layers), STRENGTHS.index(shape.strength)


def shapes_of(episode: Episode) -> list[GopShape]:
    """The shapes that were asked for; empty where all were libvpx's own."""
    return [] if episode.shapes is None else [GopShape(*row) for row in episode.shapes.tolist()]


def qindexes_of(episode: Episode) -> list[int]:
    """The qindex of every coded frame, in coding order."""
    return [int(r["qindex"]) for r in episode.records if r["frame_type"] != SHOW_EXISTING]
