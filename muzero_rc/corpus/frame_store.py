"""Raw frames of instances, made once and kept on disk as planar 4:2:0 files.

Encoders read them through a memory map: the page cache holds what is in use, whatever the corpus's
size.
"""

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from encoder_bridge.atomic_file import whole_file, write_text
from encoder_bridge.media.decode import content_digest, read_frames
from encoder_bridge.media.probe import probe
from muzero_rc.corpus.instances import Instance, apply_changes, digest, join
from muzero_rc.types import Array


@dataclass(frozen=True)
class Footage:
    """What an encoder is given.

    Attributes:
      data: u1[T, bytes of a frame], mapped from disk.
      width, height: luma pixels.
      fps: frames a second, exact.
      key: names these very frames, for caches.
    """

    data: Array
    width: int
    height: int
    fps: Fraction
    key: str

    @property
    def frames(self) -> int:
        """T, shown frames."""
        return len(self.data)

    def rate_kbps(self, packet_bytes: int) -> float:
        """Bitrate of so many bytes over the footage's length."""
        return float(packet_bytes * 8 * self.fps / self.frames / 1000)


def footage_of(instance: Instance, max_frames: int, folder: Path) -> Footage:
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
    data = np.memmap(raw, np.uint8, "r").reshape(-1, _frame_bytes(width, height))
    return Footage(data, width, height, fps, key)


def _make(instance: Instance, max_frames: int, raw: Path, sidecar: Path) -> None:
    clips = [probe(path, max_frames=max_frames) for path in instance.paths]
    each = -(-max_frames // len(clips))
    planes = join([_split(read_frames(clip)[:each], clip.width, clip.height) for clip in clips])
    planes = apply_changes(planes, instance.changes)
    count, height, width = planes[0].shape
    if count == 0:
        raise ValueError(f"{instance.name}: no frame is left")
    with whole_file(raw) as temporary:
        np.concatenate([plane.reshape(count, -1) for plane in planes], axis=1).tofile(temporary)
    shape = {"width": width, "height": height, "fps": str(clips[0].fps), "instance": instance.name}
    write_text(sidecar, json.dumps(shape))  # last: its presence says that the frames are whole


def _split(data: Array, width: int, height: int) -> list[Array]:
    """u1[T, bytes] as three planes."""
    half_width, half_height = (width + 1) // 2, (height + 1) // 2
    luma, chroma = width * height, half_width * half_height
    return [
        data[:, :luma].reshape(-1, height, width),
        data[:, luma : luma + chroma].reshape(-1, half_height, half_width),
        data[:, luma + chroma :].reshape(-1, half_height, half_width),
    ]


def _frame_bytes(width: int, height: int) -> int:
    return width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
