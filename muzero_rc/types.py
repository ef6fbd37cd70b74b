"""Array legend, and the tuples of arrays that cross packages.

Every array states its shape. The letters, everywhere in this package:

    B  batch: episodes, or encoders that wait for a decision
    W  windows of one episode
    T  shown frames of a clip, padded to the longest of the batch
    D  depth: coded frames ahead of the present one
    A  actions
    C, X, S  features per clip, per shown frame, per coded frame
    d  width of the network
    E  clip encoding per shown frame: (1 + windows) * d

`...` stands for any number of further axes, often W.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import jax
    import numpy as np

    Array: TypeAlias = jax.Array | np.ndarray[Any, Any]
else:  # the base install has no JAX
    Array = Any

Params: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Haiku parameters: module name to parameter name to array."""


class Widths(NamedTuple):
    """What the extension sets: features per clip, shown frame and coded frame; kinds of frames; steps."""

    clip: int
    frame: int
    step: int
    frame_types: int
    layers: int
    layer_names: tuple[str, ...] = ()
    step_names: tuple[str, ...] = ()  # of the features per coded frame; none: nothing can be forecast
    log2_steps: tuple[float, ...] = ()  # of the quantizer step of each qindex, 256

    @classmethod
    def of(cls, native: Any) -> Widths:
        """The sizes of `encoder_bridge._native`, or of what stands in for it."""
        tables = native.feature_tables()
        return cls(
            clip=len(tables["clip"]),
            frame=len(tables["frame"]),
            step=len(tables["step"]),
            frame_types=len(native.FRAME_TYPES),
            layers=len(native.LAYERS),
            layer_names=tuple(native.LAYERS),
            step_names=tuple(name for name, _ in tables["step"]),
            log2_steps=tuple(map(float, native.quantizer_steps())),
        )


class ClipBatch(NamedTuple):
    """Features of clips, known before their first frame."""

    clip: Array  # f4[B, C]
    frames: Array  # f4[B, T, X]; rows from `length` on are ignored
    length: Array  # i4[B] shown frames


class Schedule(NamedTuple):
    """Coded frames ahead, known or predicted."""

    frame_type: Array  # i4[B, ..., D]; below 0: no such frame any more
    layer: Array  # i4[B, ..., D]
    show_index: Array  # i4[B, ..., D]


class Prediction(NamedTuple):
    """Heads of the network on a state."""

    policy_logits: Array  # f4[B, ..., A]
    gain_logits: Array  # f4[B, ..., bins] of the worth that is yet to come, per cent of rate
    rate_logits: Array  # f4[B, ..., bins] of the episode's final log(rate / target)


class Forecast(NamedTuple):
    """What is known of a coded frame before the network says anything: of its bits and error at q_ref."""

    log_bits: Array  # f4[B, ...] in the scale of `agent.batch.scaled_log_bits`
    log_sse: Array  # f4[B, ...] in that of `scaled_log_sse`
    qindex: Array  # f4[B, ...] q_ref, or what it will be
    layer: Array  # i4[B, ...]
    hints: Array  # f4[B, ..., HINTS] of its quality; 0 for frames ahead


HINTS = 7
"""Of a frame: whether it has references; the best one's quality and their mean quality over the forecast's,
in dB / 10; their mean quantizer step over the frame's, in octaves; then the step features "seen" (of its
layer), "look_between" and "expected_bits"."""


class Transition(NamedTuple):
    """Dynamics of an action: the next state, and the coded frame's bits and error."""

    state: Array  # f4[B, ..., d] before the next coded frame
    log_bits: Array  # f4[B, ...] of the frame that the action coded, in the caller's scale
    log_sse: Array  # f4[B, ...] likewise
