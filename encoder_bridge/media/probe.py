"""Probing: what a video file holds, and whether it can be encoded."""

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from encoder_bridge.errors import BadInput
from encoder_bridge.media.conversion import conversion_notes
from encoder_bridge.media.depth import coded_depth, frame_pix_fmt, source_depth
from encoder_bridge.media.ffmpeg import ProbeError, check_memory, describe, last_complaint
from encoder_bridge.media.ffprobe_words import (
    begins_s,
    end_s,
    fraction,
    named_rates,
    sample_aspect,
    upright_size,
)
from encoder_bridge.media.hdr import Hdr, read_hdr
from encoder_bridge.media.selection import Selection
from encoder_bridge.media.sources import Source
from encoder_bridge.media.streams import Color, Track, color_of, tracks_of
from encoder_bridge.media.survey import survey
from encoder_bridge.media.timestamps import Timeline, read_timeline
from encoder_bridge.media.truncation import ends_early, knows_length, y4m_partial_frame
from encoder_bridge.media.yuv420 import frame_bytes

MIN_SIDE, MAX_SIDE = 2, 16383
_TAGS = ("title", "artist", "album", "album_artist", "composer", "date", "genre", "comment")
_MANY_FILES = ("hls", "applehttp", "concat", "dash", "imf", "image2")


@dataclass(frozen=True, kw_only=True)
class VideoFile:
    """A video file and what of it we encode: one stream."""

    path: Path
    stream: int
    """The video stream's index in the file."""
    width: int
    """Luma pixels, rotation applied."""
    height: int
    fps: Fraction
    """Constant, or the mean where `times` says when each frame is shown."""
    frames: int
    """As many as the container holds (of the first `max_frames`)."""
    max_frames: int | None
    start_s: float
    """When the first frame is shown, after the container's own start."""
    sample_aspect: Fraction
    """Width of a pixel over its height."""
    notes: tuple[str, ...]
    """What the conversion to 4:2:0 frames loses, in words."""
    bit_depth: int = 8
    """Of the frames."""
    source_depth: int = 8
    """Of the file's own samples."""
    source: Source | None = None
    """None for a file that needs no options."""
    tracks: tuple[Track, ...] = ()
    """The other streams, in the file's order."""
    tags: tuple[tuple[str, str], ...] = ()
    """Of the whole file: title and its like."""
    chapters: int = 0
    color: Color = field(default_factory=Color)
    hdr: Hdr = field(default_factory=Hdr)
    times: tuple[int, ...] = ()
    """Variable frame rate: ticks from the first frame on, of every frame and of the last one's end."""
    time_base: Fraction = Fraction(1)
    """Seconds per tick of `times`."""
    selection: Selection = field(default_factory=Selection)
    digest: str = ""
    """Of the decoded frames, where the file's bytes do not tell them; else ""."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of one planar 4:2:0 frame."""
        return frame_bytes(self.width, self.height, self.bit_depth)

    @property
    def seconds(self) -> float:
        """From the first frame's start to the last one's end."""
        return float(self.frames / self.fps)

    @property
    def shown_seconds(self) -> tuple[float, ...]:
        """How long each frame is shown."""
        if not self.times:
            return (float(1 / self.fps),) * self.frames
        return tuple(float((end - start) * self.time_base) for start, end in pairwise(self.times))

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.path) if self.source is None else self.source.name

    @property
    def options(self) -> dict[str, str]:
        """ffmpeg's, before the file's name."""
        return dict(self.source.options if self.source else Source(path=self.path, name="").options)

    @property
    def audio_codecs(self) -> tuple[str, ...]:
        """Of the audio tracks that ffmpeg knows, in order."""
        return tuple(track.codec for track in self.tracks if track.kind == "audio" and track.codec)


def probe(
    source: Source | str | Path,
    *,
    max_frames: int | None = None,
    selection: Selection | None = None,
    bit_depth: int | None = 8,
) -> VideoFile:
    """Finds the video stream of a file and checks that it can be encoded.

    Args:
        source: a file, or what `open_source` made of its name.
        max_frames: of the frames, the first ones.
        selection: None is all of it.
        bit_depth: of the frames; None keeps the file's own, as far as VP9 goes.

    Raises:
        BadInput: no video, no frames, timestamps without a rate, a size that libvpx refuses, a file that
            is cut short, or one that names other files.
        EncodeFailed: ffprobe ran out of memory.
    """
    if not isinstance(source, Source):
        source = Source(path=Path(source).absolute(), name=str(Path(source).absolute()))
    if max_frames is not None and max_frames < 1:
        raise BadInput(f"{max_frames} frames cannot be encoded: ask for at least 1")
    selection = selection or Selection()
    if source.is_sequence:
        selection = _without_rate(selection)
    answer = _ask_ffprobe(source)
    video = _video_stream(source, answer)
    depth = source_depth(video)
    bit_depth = coded_depth(depth) if bit_depth is None else bit_depth
    width, height, rotation = upright_size(video)
    aspect, digest = sample_aspect(video, rotation), ""
    demuxer = answer["format"]["format_name"]
    time_base, rates = fraction(video.get("time_base")) or Fraction(1, 1000), named_rates(video)
    if selection.is_everything and not demuxer.startswith(_MANY_FILES):
        timeline = read_timeline(
            source.path,
            video["index"],
            time_base,
            rates,
            max_frames,
            source.options,
            end_s=end_s(video, demuxer),
            name=source.name,
        )
        if timeline.frames:
            _refuse_cut_short(source, answer, video, timeline, max_frames)
    else:
        full = survey(source, video["index"], selection, rates, max_frames, bit_depth)
        (width, height), time_base, timeline = full.size, full.time_base, full.timeline
        aspect, digest = full.sample_aspect, full.digest
    if not (min(width, height) >= MIN_SIDE and max(width, height) <= MAX_SIDE):
        raise BadInput(
            f"{source.name} has size {width}x{height}: sides from {MIN_SIDE} to {MAX_SIDE} can be encoded"
        )
    if timeline.frames == 0:
        raise BadInput(f"{source.name} holds no frames{'' if selection.is_everything else ' there'}")
    if timeline.fps is None:
        span_s = float(timeline.times[-1] * time_base) if timeline.times else 0
        raise BadInput(
            f"{source.name} has damaged timestamps ({timeline.frames} frames in {span_s:g} s): "
            "--fps N gives it a constant rate"
        )
    container_start_s = Fraction(0) if digest else begins_s(answer["format"])
    start_s = max(0.0, float(timeline.start_s - container_start_s))
    notes = [*conversion_notes(video, rotation, bit_depth)]
    if timeline.times:
        notes.append(
            "variable frame rate: every frame keeps its time, and counts alike whatever its duration"
        )
    return VideoFile(
        path=source.path,
        stream=video["index"],
        width=width,
        height=height,
        fps=timeline.fps,
        frames=timeline.frames,
        max_frames=max_frames,
        start_s=start_s,
        sample_aspect=aspect,
        notes=tuple(notes),
        bit_depth=bit_depth,
        source_depth=depth,
        source=source,
        tracks=tuple(tracks_of(answer["streams"], video["index"])),
        tags=tuple(_tags(answer["format"])),
        chapters=len(answer.get("chapters", [])),
        color=color_of(video),
        hdr=read_hdr(source, video),
        times=timeline.times,
        time_base=time_base,
        selection=selection,
        digest=digest,
    )


def _ask_ffprobe(source: Source) -> dict[str, Any]:
    path, name = source.path, source.name
    head = b""
    if not source.is_sequence:
        if path.is_dir():
            raise BadInput(f"{name} is a folder: name a video file")
        try:
            with path.open("rb") as stream:
                head = stream.read(8)
        except OSError as error:
            raise BadInput(f"{name} cannot be opened: {(error.strerror or str(error)).lower()}") from error
    try:
        return describe(path, source.options)
    except ProbeError as error:
        raise _refusal(name, head, str(error)) from error


def _refusal(name: str, head: bytes, text: str) -> BadInput:
    """What to say of a file that ffprobe does not read; raises where the file is not at fault."""
    check_memory("ffprobe", 1, text)
    if "whitelist" in text:
        return BadInput(
            f"{name} is a playlist, or another kind of file that opens others ({last_complaint(text)}): "
            "--allow-playlists reads it"
        )
    if "moov atom" in text and head[4:8] in (b"ftyp", b"mdat", b"wide", b"free"):
        return BadInput(f"{name} is cut short, or its recording was never finished")
    return BadInput(f"{name} is no video that ffmpeg can read")


def _video_stream(source: Source, answer: dict[str, Any]) -> dict[str, Any]:
    for stream in answer.get("streams", []):
        if stream.get("codec_type") == "video" and not stream.get("disposition", {}).get("attached_pic"):
            if not stream.get("width") or not stream.get("height") or not stream.get("pix_fmt"):
                raise BadInput(
                    f"{source.name} holds no frame that can be decoded: it is damaged or cut short"
                )
            return dict(stream)
    raise BadInput(f"{source.name} holds no video stream")


def _without_rate(selection: Selection) -> Selection:
    """The rate of numbered pictures is how they are read, not a conversion."""
    return Selection(start_s=selection.start_s, end_s=selection.end_s, filter=selection.filter)


def _tags(container: dict[str, Any]) -> list[tuple[str, str]]:
    tags = {key.lower(): str(value) for key, value in container.get("tags", {}).items()}
    return [(key, tags[key]) for key in _TAGS if key in tags]


def _refuse_cut_short(
    source: Source,
    answer: dict[str, Any],
    video: dict[str, Any],
    timeline: Timeline,
    max_frames: int | None,
) -> None:
    frames, complaint = timeline.frames, timeline.complaint
    if max_frames is not None and frames >= max_frames:
        return  # what lies behind them is not our business
    demuxer = answer["format"]["format_name"]
    promised = int(video.get("nb_frames", 0))
    short = bool(complaint) or ends_early(source.path, demuxer)
    duration = answer["format"].get("duration") if len(answer["streams"]) == 1 else None
    rates = named_rates(video)
    if not short and duration and rates and demuxer not in ("gif", "apng"):
        # Durations count from the start, or from 0: the lower promise is held. A hole in the timestamps is
        # no damage, unless the reader stumbled there.
        lasts_s = float(duration) - float(timeline.start_s)
        promised = max(promised, int(0.98 * lasts_s * float(rates[0])) - 2)
        if frames < promised and timeline.times and timeline.damage:
            raise BadInput(
                f"{source.name} is damaged: {frames} of about {promised} frames are left ({timeline.damage})"
            )
        short = frames < promised and not timeline.times and not knows_length(demuxer)
    depth = source_depth(video)
    if demuxer == "yuv4mpegpipe" and not complaint and video["pix_fmt"] == frame_pix_fmt(depth):
        size = frame_bytes(int(video["width"]), int(video["height"]), depth)
        if y4m_partial_frame(source.path, size):
            short, complaint = True, "the last frame is partial"
    if short:
        of = f" of about {promised}" if promised > frames else ""
        reason = f" ({complaint})" if complaint else ""
        raise BadInput(
            f"{source.name} is cut short after {frames}{of} frames{reason}: get a whole copy, or encode fewer"
        )
