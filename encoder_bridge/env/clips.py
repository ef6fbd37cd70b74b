"""Clips of an environment: decoded, with their first pass, ready to be encoded many times."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass, first_pass
from encoder_bridge.encode.pool import PoolFactory
from encoder_bridge.encode.raw_clip import RawClip
from encoder_bridge.encode.result import FirstPass
from encoder_bridge.media.decode import read_frames
from encoder_bridge.media.probe import probe
from encoder_bridge.media.yuv420 import frame_bytes


@dataclass(frozen=True)
class EnvClip:
    """A clip with what every encode of it needs: settings and first pass.

    Attributes:
        name: to choose it by.
        raw: its frames.
        config: with the clip's size and frame rate.
        first: its first pass under `config`.
    """

    name: str
    raw: RawClip
    config: EncoderConfig
    first: FirstPass


def load_clip(path: str | Path, config: EncoderConfig, *, max_frames: int | None = None) -> EnvClip:
    """Decodes a video file and runs its first pass, or takes that from the cache.

    Raises:
        BadInput: see `encoder_bridge.media.probe.probe`.
    """
    clip = probe(path, max_frames=max_frames)
    config = config.for_video(clip.width, clip.height, clip.fps)
    raw = RawClip(read_frames(clip), clip.width, clip.height, clip.fps)
    return EnvClip(clip.path.stem, raw, config, clip_first_pass(clip, config))


def synthetic_clip(config: EncoderConfig, new_pool: PoolFactory = _native.Pool) -> EnvClip:
    """Twelve small frames of a moving pattern, where nobody names a clip."""
    width, height, length = 64, 48, 12
    config = config.for_video(width, height, config.fps)
    y, x = np.mgrid[:height, :width]
    random = np.random.default_rng(0)
    frames = np.full((length, frame_bytes(width, height)), 128, np.uint8)
    for t in range(length):
        noise = random.normal(0, 2 + t, (height, width))
        luma = 128 + 60 * np.sin((x + 3 * t) / 7) + 30 * np.cos((y - 2 * t) / 5) + noise
        frames[t, : width * height] = np.clip(luma, 0, 255).astype(np.uint8).ravel()
    raw = RawClip(frames, width, height, config.fps)
    return EnvClip("synthetic", raw, config, first_pass(frames, config, new_pool=new_pool))


def load_clips(
    clips: Sequence[EnvClip | str | Path], config: EncoderConfig, new_pool: PoolFactory
) -> list[EnvClip]:
    """Loads files; without any clip, the synthetic one."""
    loaded = [clip if isinstance(clip, EnvClip) else load_clip(clip, config) for clip in clips]
    return loaded or [synthetic_clip(config, new_pool)]
