"""Features of clips and episodes, computed by the extension as the encoder's callbacks compute them."""

import numpy as np

from muzero_rc.agent.batch import Trace, privileged_width, scaled_log_bits, scaled_log_sse
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.experience.comparison import Progress, compared, progress_of
from muzero_rc.experience.episode import Episode
from muzero_rc.experience.paired import PairedEncode
from muzero_rc.types import Array


def clip_features(store: ClipStore, name: str, target_kbps: int) -> tuple[Array, Array]:
    """Features of a clip and of its shown frames.

    Args:
      store: with the instance prepared.
      name: of the instance.
      target_kbps: the bitrate to keep.

    Returns:
      f4[C] and f4[T, X].
    """
    clip, stats, widths = store.raw_clip(name), store.frame_stats(name), store.engine.widths
    of_clip = np.zeros(widths.clip, np.float32)
    of_frames = np.zeros((len(stats), widths.frame), np.float32)
    store.engine.native.observe_clip(clip.width, clip.height, target_kbps, stats, of_clip, of_frames)
    return of_clip, of_frames


def progress_in(store: ClipStore, instance: str, records: Array, shown: Array) -> Progress:
    """How far an encode of an instance is after each result; it may still run."""
    clip, widths = store.raw_clip(instance), store.engine.widths
    steps = np.asarray(widths.log2_steps)
    return progress_of(records, shown, steps, widths.layers, clip.width * clip.height)


def progress_of_episode(store: ClipStore, episode: Episode) -> Progress:
    """The same of an episode.

    Raises:
      ValueError: an episode of an old log, which kept nothing of its shown frames.
    """
    if episode.shown is None:
        raise ValueError(f"{episode.uid} does not say what its shown frames look like")
    return progress_in(store, episode.instance, episode.records, episode.shown)


def trace_of(store: ClipStore, episode: Episode, pair: PairedEncode | None = None) -> Trace:
    """What the agent sees of an episode's coded frames, under the target that the episode names.

    Args:
      store: with the episode's instance prepared.
      episode: may be relabelled.
      pair: the paired encode, which the critic compares with.
    """
    clip, records = store.raw_clip(episode.instance), np.ascontiguousarray(episode.records)
    step = np.zeros((len(records), store.engine.widths.step), np.float32)
    q_ref = np.zeros(len(records), np.int32)
    stats = store.frame_stats(episode.instance)
    store.engine.native.replay_features(
        clip.width, clip.height, episode.target_kbps, stats, records, step, q_ref
    )
    decided = records["frame_type"] >= 0
    kept = records[decided]
    bits_per_frame = float(episode.target_kbps * 1000 / clip.fps)
    running: Array = np.zeros(len(records))
    privileged: Array = np.zeros((len(records), _privileged(store)))
    if pair is not None:
        found = compared(progress_of_episode(store, episode), progress_of_episode(store, pair.episode), pair)
        running, privileged = (rows[:-1] for rows in found)
    return Trace(
        frame_type=kept["frame_type"].astype(np.int32),
        layer=kept["layer"].astype(np.int32),
        show_index=kept["show_index"].astype(np.int32),
        q_ref=q_ref[decided],
        qindex=kept["qindex"].astype(np.int32),
        step=step[decided],
        log_bits=scaled_log_bits(kept["bits"], bits_per_frame),
        log_sse=scaled_log_sse(kept["sse"], kept["pixels"]),
        policy=None if episode.policies is None else episode.policies[decided],
        running=running[decided].astype(np.float32),
        privileged=privileged[decided].astype(np.float32),
    )


def _privileged(store: ClipStore) -> int:
    return privileged_width(store.engine.widths.layers)
