"""Measures objectives: ffmpeg decodes an encode's packets, and its filters compare them with the source."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from encoder_bridge.encode.objective import PSNR, VMAF, VMAF_NEG, Objective
from encoder_bridge.encode.raw_clip import RawClip
from encoder_bridge.encode.result import Packet
from encoder_bridge.errors import BadInput, ToolMissing
from encoder_bridge.media.ivf import IvfWriter
from encoder_bridge.media.probe import probe
from encoder_bridge.media.quality_filters import filter_ffmpeg, filtered_qualities, smallest_side


def check_measurable(objective: Objective) -> None:
    """Raises ToolMissing where no ffmpeg on this machine measures it."""
    missing = [name for name in _vmafs(objective) if name not in filter_ffmpeg()[1]]
    if missing:
        raise ToolMissing(
            f"no ffmpeg here measures {' and '.join(missing)} (its filter libvmaf): "
            "pip install -U imageio-ffmpeg brings one"
        )


def _vmafs(objective: Objective) -> list[str]:
    return [name for name in objective.metrics if name in (VMAF, VMAF_NEG)]


def measured_quality(
    objective: Objective, clip: RawClip, psnr_y_db: float, packets: Sequence[Packet]
) -> float:
    """What an encode comes to.

    Args:
        objective: what is measured.
        clip: the source.
        psnr_y_db: of the encode, as libvpx knows it.
        packets: all of them, where the objective `decodes`.

    Raises:
        BadInput: packets are missing, or the picture is too small for VMAF.
        EncodeFailed: ffmpeg cannot decode or measure them.
    """
    values = {PSNR: psnr_y_db}
    if objective.decodes:
        values |= _filtered(objective, clip, packets)
    return objective.of(values)


def _filtered(objective: Objective, clip: RawClip, packets: Sequence[Packet]) -> dict[str, float]:
    """SSIM, and VMAF and VMAF NEG where they count."""
    if len(packets) != len(clip):
        raise BadInput(f"{len(packets)} packets for {len(clip)} frames: an objective needs them all")
    wanted = _vmafs(objective)
    if wanted and min(clip.width, clip.height) < smallest_side(VMAF):
        raise BadInput(f"{clip.width}x{clip.height} is too small for VMAF: leave it out of the metric")
    with tempfile.TemporaryDirectory(prefix="muzero-rc-") as name:
        source, encoded = Path(name) / "source.y4m", Path(name) / "encoded.ivf"
        _write_y4m(clip, source)
        with encoded.open("wb") as file:
            IvfWriter(file, encoded, clip.width, clip.height, clip.fps).write(packets)
        return filtered_qualities(probe(source), encoded, len(clip), wanted)


def _write_y4m(clip: RawClip, path: Path) -> None:
    fps = f"{clip.fps.numerator}:{clip.fps.denominator}"
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{clip.width} H{clip.height} F{fps} Ip A1:1 C420jpeg\n".encode())
        for frame in clip.frames:
            file.write(b"FRAME\n")
            file.write(frame.tobytes())
