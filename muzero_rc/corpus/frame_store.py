"""Frame store: the raw frames of instances, made once and kept on disk as planar 4:2:0 files.

Encoders read them through a memory map: the page cache holds what is in use, whatever the corpus's
size.
"""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np

from encoder_bridge.atomic_file import whole_file, write_text
from encoder_bridge.encode.raw_clip import RawClip
from encoder_bridge.media.decode import content_digest, read_frames
from encoder_bridge.media.probe import probe
from encoder_bridge.media.yuv420 import frame_bytes, join_planes, split_planes
from muzero_rc.corpus.augmentation import apply_changes, join
from muzero_rc.corpus.cache_key import digest
from muzero_rc.corpus.instances import Instance


def raw_clip_of(instance: Instance, max_frames: int, folder: Path) -> RawClip:
    """The frames of an instance, from `folder` or made now.

    Raises:
      BadInput: a clip cannot be decoded.
      ValueError: nothing is left of the clip after its changes.
    """
    sources = [content_digest(path) for path in instance.paths]
    key = digest(*sources, instance.changes, max_frames)
    raw, sidecar = folder / f"{key}.yuv", folder / f"{key}.json"
    if not sidecar.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _make(instance, max_frames, raw, sidecar)
    shape = json.loads(sidecar.read_text())
    width, height, fps = shape["width"], shape["height"], Fraction(shape["fps"])
    frames = np.memmap(raw, np.uint8, "r").reshape(-1, frame_bytes(width, height))
    return RawClip(frames, width, height, fps, key)


def _make(instance: Instance, max_frames: int, raw: Path, sidecar: Path) -> None:
    clips = [probe(path, max_frames=max_frames) for path in instance.paths]
    each = -(-max_frames // len(clips))
    planes = join([split_planes(read_frames(clip)[:each], clip.width, clip.height) for clip in clips])
    planes = apply_changes(planes, instance.changes)
    count, height, width = planes[0].shape
    if count == 0:
        raise ValueError(f"{instance.name}: no frame is left")
    with whole_file(raw) as temporary:
        join_planes([np.asarray(plane) for plane in planes]).tofile(temporary)
    shape = {"width": width, "height": height, "fps": str(clips[0].fps), "instance": instance.name}
    write_text(sidecar, json.dumps(shape))  # last: its presence says that the frames are whole
