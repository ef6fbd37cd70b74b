"""Probing: what a video file holds, and whether it can be encoded."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from encoder_bridge.errors import BadInput
from encoder_bridge.media.ffmpeg import as_url, program
from encoder_bridge.media.timestamps import Timeline, read_timeline
from encoder_bridge.media.yuv420 import frame_bytes

MIN_SIDE, MAX_SIDE = 2, 16383


@dataclass(frozen=True, kw_only=True)
class VideoFile:
    """A video file and what of it we encode: one stream at a constant frame rate."""

    path: Path
    stream: int
    """The video stream's index in the file."""
    width: int
    """Luma pixels, rotation applied."""
    height: int
    fps: Fraction
    frames: int
    """As many as the container holds (of the first `max_frames`)."""
    max_frames: int | None
    start_s: float
    """When the first frame is shown, after the container's own start."""
    sample_aspect: Fraction
    """Width of a pixel over its height."""
    audio_codecs: tuple[str, ...]
    notes: tuple[str, ...]
    """What the conversion to 8-bit 4:2:0 frames loses, in words."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of one planar 4:2:0 frame."""
        return frame_bytes(self.width, self.height)


def probe(path: str | Path, *, max_frames: int | None = None) -> VideoFile:
    """Finds the video stream of a file and checks that it can be encoded.

    Raises:
        BadInput: no video, no frames, a variable frame rate, a size that libvpx refuses, or a
            file that is cut short.
    """
    path = Path(path).absolute()
    if max_frames is not None and max_frames < 1:
        raise BadInput(f"{max_frames} frames cannot be encoded: ask for at least 1")
    answer = _ask_ffprobe(path)
    video = _video_stream(path, answer)
    width, height, rotation = _upright_size(video)
    if not (min(width, height) >= MIN_SIDE and max(width, height) <= MAX_SIDE):
        raise BadInput(
            f"{path} has size {width}x{height}: sides from {MIN_SIDE} to {MAX_SIDE} can be encoded"
        )
    time_base = Fraction(video["time_base"])
    timeline = read_timeline(path, video["index"], time_base, _named_rates(video), max_frames)
    if timeline.frames == 0:
        raise BadInput(f"{path} holds no frames")
    _refuse_cut_short(path, answer, video, timeline, max_frames)
    if timeline.fps is None:
        raise BadInput(
            f"{path} has a variable frame rate, which is not supported: "
            "make it constant first (ffmpeg -i INPUT -vf fps=30 OUTPUT)"
        )
    container_start = Fraction(answer["format"].get("start_time", 0))
    return VideoFile(
        path=path,
        stream=video["index"],
        width=width,
        height=height,
        fps=timeline.fps,
        frames=timeline.frames,
        max_frames=max_frames,
        start_s=max(0.0, float(timeline.start_s - container_start)),
        sample_aspect=_sample_aspect(video, rotation),
        audio_codecs=tuple(s["codec_name"] for s in answer["streams"] if s.get("codec_type") == "audio"),
        notes=tuple(_conversion_notes(video, rotation)),
    )


def _ask_ffprobe(path: Path) -> dict[str, Any]:
    if path.is_dir():
        raise BadInput(f"{path} is a folder: name a video file")
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
    except OSError as error:
        raise BadInput(f"{path} cannot be opened: {(error.strerror or str(error)).lower()}") from error
    try:
        answer: dict[str, Any] = ffmpeg.probe(as_url(path), cmd=program("ffprobe"), v="error")
    except ffmpeg.Error as error:
        text = error.stderr.decode(errors="replace")
        if "moov atom" in text and head[4:8] in (b"ftyp", b"mdat", b"wide", b"free"):
            raise BadInput(f"{path} is cut short, or its recording was never finished") from error
        raise BadInput(f"{path} is no video that ffmpeg can read") from error
    except json.JSONDecodeError as error:
        raise BadInput(f"{path} is no video that ffmpeg can read") from error
    return answer


def _video_stream(path: Path, answer: dict[str, Any]) -> dict[str, Any]:
    for stream in answer.get("streams", []):
        if stream.get("codec_type") == "video" and not stream.get("disposition", {}).get("attached_pic"):
            if not stream.get("width") or not stream.get("height") or not stream.get("pix_fmt"):
                raise BadInput(f"{path} holds no frame that can be decoded: it is damaged or cut short")
            return dict(stream)
    raise BadInput(f"{path} holds no video stream")


def _upright_size(video: dict[str, Any]) -> tuple[int, int, int]:
    """Width and height as ffmpeg decodes them, and the rotation in degrees that it applies."""
    rotation = next((int(s["rotation"]) for s in video.get("side_data_list", []) if "rotation" in s), 0)
    width, height = int(video["width"]), int(video["height"])
    return (height, width, rotation) if rotation % 180 == 90 else (width, height, rotation)


def _named_rates(video: dict[str, Any]) -> list[Fraction]:
    """The frame rates that the container names, the average first: raw streams double the other."""
    names = (video.get("avg_frame_rate", "0/0"), video.get("r_frame_rate", "0/0"))
    return [Fraction(name) for name in names if not name.endswith("/0") and Fraction(name) > 0]


def _sample_aspect(video: dict[str, Any], rotation: int) -> Fraction:
    width, _, height = video.get("sample_aspect_ratio", "1:1").partition(":")
    aspect = Fraction(int(width), int(height)) if int(width) > 0 and int(height) > 0 else Fraction(1)
    return 1 / aspect if rotation % 180 == 90 else aspect


def _refuse_cut_short(
    path: Path,
    answer: dict[str, Any],
    video: dict[str, Any],
    timeline: Timeline,
    max_frames: int | None,
) -> None:
    frames, complaint = timeline.frames, timeline.complaint
    if max_frames is not None and frames >= max_frames:
        return  # what lies behind them is not our business
    promised = int(video.get("nb_frames", 0))
    alone = len(answer["streams"]) == 1
    duration = video.get("tags", {}).get("DURATION") or (answer["format"].get("duration") if alone else None)
    if not promised and duration and video["codec_name"] not in ("gif", "apng") and _named_rates(video):
        # Matroska's duration counts from 0, others' from the start: the lower promise is held.
        shown_s = _seconds(duration) - float(timeline.start_s)
        promised = int(0.98 * shown_s * float(_named_rates(video)[0])) - 2
    if answer["format"]["format_name"] == "yuv4mpegpipe" and not complaint:
        complaint = _y4m_complaint(path, video)
    if complaint or frames < promised:
        of = f" of about {promised}" if promised > frames else ""
        reason = f" ({complaint})" if complaint else ""
        raise BadInput(
            f"{path} is cut short after {frames}{of} frames{reason}: get a whole copy, or encode fewer"
        )


def _y4m_complaint(path: Path, video: dict[str, Any]) -> str:
    """Ffmpeg passes over a y4m's partial last frame in silence."""
    if video["pix_fmt"] != "yuv420p":
        return ""
    with path.open("rb") as stream:
        header = len(stream.readline(4096))
    whole = len(b"FRAME\n") + frame_bytes(int(video["width"]), int(video["height"]))
    return "the last frame is partial" if (path.stat().st_size - header) % whole else ""


def _seconds(duration: str) -> float:
    """Of "12.5" or Matroska's "00:00:12.500000000"."""
    total = 0.0
    for part in duration.split(":"):
        total = 60 * total + float(part)
    return total


def _conversion_notes(video: dict[str, Any], rotation: int) -> Iterator[str]:
    pix_fmt = video["pix_fmt"]
    bits = re.search(r"p0?(9|10|12|14|16)(le|be)$|(?:gray|y210|x2rgb|x2bgr)(10|12|14|16)?", pix_fmt)
    depth = int(video.get("bits_per_raw_sample") or 0) or (int(bits[1] or bits[3] or 8) if bits else 8)
    if depth > 8:
        yield f"{depth}-bit video is converted to 8 bits"
    if re.search(r"4(44|22|40|11|10)", pix_fmt) or re.match(
        r"rgb|bgr|gbr|argb|abgr|0rgb|0bgr|pal8|[xyu]yvy", pix_fmt
    ):
        yield f"colour of {pix_fmt} is converted to 4:2:0"
    if re.match(r"yuva|gbrap|rgba|bgra|argb|abgr|ya8|ya16|pal8", pix_fmt):
        yield "transparency is dropped"
    if video.get("color_transfer") in ("smpte2084", "arib-std-b67"):
        yield "HDR is kept without tone mapping: the colours will look pale"
    if pix_fmt.startswith("yuvj") or (video.get("color_range") == "pc" and pix_fmt.startswith("yuv")):
        yield "full-range colour is converted to limited range"
    if video.get("field_order", "progressive") not in ("progressive", "unknown"):
        yield "interlaced video is encoded as whole frames, without deinterlacing"
    if rotation % 360:
        yield f"the picture is turned upright ({rotation % 360} degrees)"
