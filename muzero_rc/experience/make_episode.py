"""From an encode that has ended to an episode."""

from encoder_bridge.encode.batch import BatchResult
from encoder_bridge.encode.gop_shapes import as_shapes
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.experience.episode import Episode, Name
from muzero_rc.reward.outcome import outcome_of
from muzero_rc.types import Array


def make_episode(
    store: ClipStore,
    done: BatchResult,
    name: Name,
    instance: Instance,
    *,
    source: str,
    greedy: bool,
    step: int = 0,
    config_hash: str = "",
    policies: Array | None = None,
    values: Array | None = None,
) -> Episode:
    """The episode of an encode.

    Args:
      store: with the instance prepared; its anchor gives the gain.
      done: what came of the encode.
      name: of the episode.
      instance: that was encoded.
      source: see `Episode`, as for all that follow.
      greedy: likewise.
      step: likewise.
      config_hash: likewise.
      policies: likewise.
      values: likewise.
    """
    target_kbps = done.job.settings.target_kbps
    anchor_db = store.anchor(instance).psnr_at(target_kbps)
    return Episode(
        **vars(name),
        instance=instance.name,
        frames_key=store.raw_clip(instance).key,
        clip=instance.clip,
        target_kbps=target_kbps,
        source=source,
        greedy=greedy,
        step=step,
        config_hash=config_hash,
        encode_s=done.result.encode_s,
        rate_kbps=done.result.kbps,
        psnr_y_db=done.result.psnr_y_db,
        measured=done.quality,
        outcome=outcome_of(done.result.kbps, target_kbps, done.quality_db, anchor_db),
        records=done.result.records,
        policies=policies,
        values=values,
        shown=done.result.shown,
        shapes=as_shapes(done.result.shapes) if done.result.shapes else None,
    )
