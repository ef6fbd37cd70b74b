"""Features of clips and episodes, computed by the extension as the encoder's callbacks compute them."""

import numpy as np

from muzero_rc.agent.batch import Trace, scaled_log_bits, scaled_log_sse
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.experience.episode import Episode
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


def trace_of(store: ClipStore, episode: Episode) -> Trace:
    """What the agent sees of an episode's coded frames, under the target that the episode names.

    Args:
      store: with the episode's instance prepared.
      episode: may be relabelled.
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
    )
