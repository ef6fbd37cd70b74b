"""Training batches: windows of coded frames, and the targets that the losses compare with.

A window begins at a coded frame and goes on for K more. The critic's target is what the episode's final
worth has over its running comparison with the paired encode at the window's first frame: what is yet to
come (full return, no discount). Show-existing frames have no decision and take no part.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from muzero_rc.config.schema import NetworkConfig
from muzero_rc.reward.outcome import Opponent
from muzero_rc.types import Array, ClipBatch, Schedule

NO_FRAME = -1  # frame type past the end of an episode

PRIVILEGED = (
    *("running", "quality", "bits", "recent_quality", "last_quality", "shown", "paired_bits"),
    *("left", "paired_rate", "paired_psnr", "anchor", "slope", "spent"),
)
"""What the critic alone sees of the whole encode (`experience.comparison`)."""
PRIVILEGED_OF_LAYER = ("bits", "step", "quality")
"""And of each layer, likewise against the paired encode."""


def privileged_width(layers: int) -> int:
    """P: inputs that only the critic has, in training only."""
    return len(PRIVILEGED) + layers * len(PRIVILEGED_OF_LAYER)


class Trace(NamedTuple):
    """An episode as the network sees it: its N coded frames with a decision.

    Attributes:
      frame_type, layer, show_index: i4[N].
      q_ref: i4[N] the controller's q_ref.
      qindex: i4[N] used.
      step: f4[N, S] step features.
      log_bits, log_sse: f4[N], scaled by `scaled_log_bits`, `scaled_log_sse`; the latter NaN where unknown.
      policy: f4[N, A] search policy, or None.
      running: f4[N] gain over the paired encode before each frame, per cent of rate; 0 without one.
      privileged: f4[N, P] for the critic; 0 without a paired encode.
    """

    frame_type: Array
    layer: Array
    show_index: Array
    q_ref: Array
    qindex: Array
    step: Array
    log_bits: Array
    log_sse: Array
    policy: Array | None
    running: Array
    privileged: Array


class Sample(NamedTuple):
    """One episode of a batch, before windows are drawn from it.

    Attributes:
      trace: its frames.
      clip: f4[C] clip features.
      frames: f4[T, X] frame features.
      worth: final worth by the reward rule, over the paired encode, per cent of rate.
      measured: 1 where there is a paired encode, else 0 and `worth` says nothing.
      log_rate: final log(rate / target).
      follow: weight of the policy target.
      follow_search: part of that target is the search policy, where there is one.
      opponent: the present one.
    """

    trace: Trace
    clip: Array
    frames: Array
    worth: float
    measured: float
    log_rate: float
    follow: float
    follow_search: bool
    opponent: Opponent


class Batch(NamedTuple):
    """Input of one learner step: W windows of K actions from each of B episodes."""

    clip: ClipBatch
    show_index: Array  # i4[B, W]
    step: Array  # f4[B, W, S]
    action: Array  # i4[B, W, K]
    schedule: Schedule  # [B, W, K] of the frame after each action
    policy: Array  # f4[B, W, K+1, A] what was done
    searched: Array  # f4[B, W, K+1, A] what search would have done; the same where it was not asked
    policy_weight: Array  # f4[B, W, K+1] 0 where there is nothing to follow
    follow_search: Array  # f4[B] 1: `searched` is part of the target, and may be searched anew
    worth: Array  # f4[B, W] that is yet to come at each window's first frame
    running: Array  # f4[B, W] that has come
    privileged: Array  # f4[B, W, P] there
    measured: Array  # f4[B]
    log_rate: Array  # f4[B]
    log_bits: Array  # f4[B, W, K]
    log_sse: Array  # f4[B, W, K]
    exists: Array  # f4[B, W, K+1] 1 where the episode has such a frame
    opponent: Array  # f4[B, 3] the fields of Opponent


def scaled_log_bits(bits: Array, target_bits_per_frame: float) -> Array:
    """f4[N]: log of each coded frame's bits relative to the target's bits per shown frame."""
    scaled = np.log(np.maximum(bits, 1.0)) - np.log(target_bits_per_frame)
    return np.asarray(scaled, np.float32)


def scaled_log_sse(sse: Array, pixels: Array) -> Array:
    """f4[N]: half the log of the mean squared error, floored where a frame is nearly lossless.

    NaN where it is not known, which is -1: of hidden frames, from libvpx 1.15 on.
    """
    scaled = 0.5 * np.log(np.maximum(sse, 0) / np.maximum(pixels, 1) + 0.05)
    return np.asarray(np.where(np.asarray(sse) < 0, np.nan, scaled), np.float32)


def nearest_action(qindex: Array, q_ref: Array, config: NetworkConfig) -> Array:
    """i4[...]: the action nearest to the qindex used, given the controller's q_ref."""
    wanted = qindex - q_ref if config.action_mode == "relative" else qindex
    distance = np.abs(np.asarray(wanted)[..., None] - np.asarray(config.actions))
    return np.asarray(np.argmin(distance, axis=-1), np.int32)


def action_target(qindex: Array, q_ref: Array, config: NetworkConfig) -> Array:
    """f4[..., A]: the qindex used as a distribution over actions.

    A qindex between two actions is shared by the two, so that the mean action is the qindex; one
    beyond the ends counts as the end.
    """
    wanted = np.asarray(qindex - q_ref if config.action_mode == "relative" else qindex, np.float64)
    actions = np.asarray(config.actions, np.float64)
    clipped = np.clip(wanted, actions[0], actions[-1])
    right = np.clip(np.searchsorted(actions, clipped), 1, len(actions) - 1)
    share = (clipped - actions[right - 1]) / (actions[right] - actions[right - 1])
    target = np.zeros((*clipped.shape, len(actions)), np.float32)
    np.put_along_axis(target, (right - 1)[..., None], (1.0 - share)[..., None].astype(np.float32), -1)
    np.put_along_axis(target, right[..., None], share[..., None].astype(np.float32), -1)
    return target


def window_starts(probabilities: Array, windows: int, rng: np.random.Generator) -> Array:
    """i4[W]: first frames of the windows in order, by stratified sampling from `probabilities` f8[N]."""
    edges = np.cumsum(probabilities) / np.sum(probabilities)
    drawn = (np.arange(windows) + rng.random(windows)) / windows
    return np.asarray(np.minimum(np.searchsorted(edges, drawn, side="right"), len(edges) - 1), np.int32)


def start_probabilities(log_bits: Array, bits_share: float) -> Array:
    """f8[N]: probability that a window begins at each frame: `bits_share` by its bits, the rest evenly.

    A decision counts by the bits that it moves: a key frame is one frame of hundreds and a third of them.
    """
    bits = np.exp(np.asarray(log_bits, np.float64) - np.max(log_bits))
    return np.asarray(bits_share * bits / bits.sum() + (1.0 - bits_share) / len(bits))


def make_batch(
    samples: Sequence[Sample],
    config: NetworkConfig,
    *,
    windows: int,
    unroll: int,
    true_schedule_share: float,
    bits_share: float,
    rng: np.random.Generator,
) -> Batch:
    """Draws windows from each sample and pads the clips to the longest, in steps of 16 frames.

    Args:
      samples: the batch's episodes, B of them.
      config: actions of the network.
      windows: W, of each episode.
      unroll: K, actions in a window.
      true_schedule_share: of the windows' schedules that are known to their end.
      bits_share: see `start_probabilities`.
      rng: draws first frames and depths.
    """
    length = np.array([len(s.frames) for s in samples], np.int32)
    longest = -(-int(np.max(length)) // 16) * 16
    frames = np.stack([np.pad(s.frames, ((0, longest - len(s.frames)), (0, 0))) for s in samples])
    parts = []
    for s in samples:
        starts = window_starts(start_probabilities(s.trace.log_bits, bits_share), windows, rng)
        parts.append(_windows(s, starts, config, unroll, true_schedule_share, rng))
    schedule = Schedule(*map(np.stack, zip(*(schedule for schedule, _ in parts), strict=True)))
    stacked = {name: np.stack([rest[name] for _, rest in parts]) for name in parts[0][1]}
    return Batch(
        clip=ClipBatch(np.stack([s.clip for s in samples]), frames, length),
        schedule=schedule,
        follow_search=np.array([s.follow_search for s in samples], np.float32),
        measured=np.array([s.measured for s in samples], np.float32),
        log_rate=np.array([s.log_rate for s in samples], np.float32),
        opponent=np.array([s.opponent for s in samples], np.float32),
        **stacked,
    )


def _windows(
    sample: Sample,
    starts: Array,
    config: NetworkConfig,
    unroll: int,
    true_schedule_share: float,
    rng: np.random.Generator,
) -> tuple[Schedule, dict[str, Array]]:
    """The windows of one sample: the schedule [W, K], and the rest by the names of `Batch`."""
    trace = sample.trace
    count = len(trace.qindex)
    index = starts[:, None] + np.arange(unroll + 1)  # [W, K+1]
    exists = index < count
    index = np.minimum(index, count - 1)
    taken = action_target(trace.qindex, trace.q_ref, config)
    searched = taken if trace.policy is None else trace.policy
    ahead = index[:, 1:]
    known = exists[:, 1:]
    if rng.random() >= true_schedule_share:  # past a random depth nothing is known
        known = known & (np.arange(unroll) < rng.integers(0, unroll + 1))
    schedule = Schedule(
        frame_type=np.where(known, trace.frame_type[ahead], NO_FRAME),
        layer=trace.layer[ahead],
        show_index=trace.show_index[ahead],
    )
    return schedule, {
        "show_index": trace.show_index[starts],
        "step": trace.step[starts],
        "worth": (sample.worth - trace.running[starts]).astype(np.float32),
        "running": trace.running[starts].astype(np.float32),
        "privileged": trace.privileged[starts].astype(np.float32),
        "action": nearest_action(trace.qindex, trace.q_ref, config)[index[:, :-1]],
        "policy": taken[index],
        "searched": searched[index].astype(np.float32),
        "policy_weight": (sample.follow * exists).astype(np.float32),
        "log_bits": trace.log_bits[index[:, :-1]],
        "log_sse": trace.log_sse[index[:, :-1]],
        "exists": exists.astype(np.float32),
    }
