"""ffprobe over PyAV, as far as we ask it, for machines without ffmpeg's programs.

A process of its own, as ffprobe is one: what a damaged file does to a demuxer stays there, libav's complaints
are on its stderr. `python -m encoder_bridge.media.pyav_probe`, with ffprobe's words:

    -show_format -show_streams -show_chapters -of json       what a file holds
    -select_streams N -show_entries packet=pts,duration,flags   its packets' times, or frame=… its frames'
    -show_data_hash CRC32 -show_entries packet=stream_index,data_hash:stream=codec_type   all packets' CRC-32
"""

import json
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from typing import Any

import av

# Names of libavutil's enumerations by number, as ffprobe prints them (ITU-T H.273, tables 2 to 4).
_PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film"}
_PRIMARIES |= {9: "bt2020", 10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213"}
_TRANSFERS = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "linear"}
_TRANSFERS |= {9: "log100", 10: "log316", 11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1"}
_TRANSFERS |= {14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 17: "smpte428", 18: "arib-std-b67"}
_MATRICES = {0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco"}
_MATRICES |= {9: "bt2020nc", 10: "bt2020c", 11: "smpte2085", 14: "ictcp"}
_RANGES = {1: "tv", 2: "pc"}
_FIELD_ORDERS = {1: "progressive", 2: "tt", 3: "bb", 4: "tb", 5: "bt"}
_DISPOSITIONS = ("default", "forced", "attached_pic")
_SIDE_DATA = {
    "MASTERING_DISPLAY_METADATA": "Mastering display metadata",
    "CONTENT_LIGHT_LEVEL": "Content light level metadata",
}
_FIRST_PACKETS = 64
"""Among these is the first of every track."""
_FLAGS = {"-show_format", "-show_streams", "-show_chapters"}
_OURS = {"-v", "-of", "-select_streams", "-show_entries", "-read_intervals", "-show_data_hash", *_FLAGS}


def main(argv: Sequence[str]) -> int:
    """Answers what `argv` asks on stdout; returns the exit status."""
    av.logging.restore_default_callback()  # libav writes to stderr itself
    av.logging.set_level(av.logging.ERROR)
    words, options = _sorted_words(argv[:-1])
    url, file_format = argv[-1], options.pop("f", None)
    try:
        with av.open(url, format=file_format, options=options) as container:
            for line in _answer(container, words):
                print(line)
    except (av.FFmpegError, OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        print(f"{url}: {reason}", file=sys.stderr)
        return 1
    return 0


def _sorted_words(argv: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Options of ffprobe itself, and those of the demuxer by name."""
    ours: dict[str, str] = {}
    others: dict[str, str] = {}
    at = 0
    while at < len(argv):
        name = argv[at]
        value = "" if name in _FLAGS else argv[at + 1]
        (ours if name in _OURS else others)[name if name in _OURS else name.removeprefix("-")] = value
        at += 1 if name in _FLAGS else 2
    return ours, others


def _answer(container: Any, words: dict[str, str]) -> Iterator[str]:
    entries = words.get("-show_entries", "")
    if "-show_streams" in words:
        yield json.dumps(describe(container))
    elif "data_hash" in entries:
        yield from packet_hashes(container)
    else:
        stream = container.streams[int(words["-select_streams"])]
        limit = int(words["-read_intervals"].removeprefix("%+#")) if "-read_intervals" in words else None
        yield from (frame_times if entries.startswith("frame") else packet_times)(container, stream, limit)


def describe(container: Any) -> dict[str, Any]:
    """What ffprobe's JSON says of format, streams and chapters, as far as we read it."""
    chapters = [{"id": chapter["id"]} for chapter in container.chapters()]
    streams = [_stream(container, stream) for stream in container.streams]
    said = {
        "format_name": container.format.name,
        "start_time": _start_time(container),
        "duration": _seconds(container.duration, Fraction(1, av.time_base)),
        "tags": dict(container.metadata),
    }
    return {"streams": streams, "format": _known(said), "chapters": chapters}


def _start_time(container: Any) -> str | None:
    """When the first packet begins, as ffmpeg 7 has it: before 0 where a codec delays the sound.

    PyAV 19's libavformat counts from where it is heard; what muxes is an ffmpeg of before.
    """
    if container.start_time is None:
        return None
    starts = [container.start_time * Fraction(1, av.time_base)]
    with suppress(av.FFmpegError):
        first = list(islice(_packets(container, None), _FIRST_PACKETS))
        sound = [one for one in first if one.stream.type == "audio" and one.pts is not None]
        starts += [one.pts * one.time_base for one in sound]
    return f"{float(min(starts)):.6f}"


def _stream(container: Any, stream: Any) -> dict[str, Any]:
    codec = stream.codec_context
    said = {
        "index": stream.index,
        "codec_type": stream.type,
        "codec_name": getattr(codec, "name", None) and codec.codec.canonical_name,
        "time_base": _ratio(stream.time_base),
        "start_time": _seconds(stream.start_time, stream.time_base),
        "duration": _seconds(stream.duration, stream.time_base),
        "nb_frames": str(stream.frames) if stream.frames else None,
        "tags": dict(stream.metadata),
        "disposition": {name: int(bool(stream.disposition & _flag(stream, name))) for name in _DISPOSITIONS},
    }
    return _known(said | _video(container, stream) if stream.type == "video" else said)


def _flag(stream: Any, name: str) -> Any:
    return getattr(type(stream.disposition), name)


def _video(container: Any, stream: Any) -> dict[str, Any]:
    codec = stream.codec_context
    aspect = stream.sample_aspect_ratio
    return {
        "width": codec.width,
        "height": codec.height,
        "pix_fmt": codec.pix_fmt,
        "sample_aspect_ratio": f"{aspect.numerator}:{aspect.denominator}" if aspect else None,
        "avg_frame_rate": _ratio(stream.average_rate),
        "r_frame_rate": _ratio(stream.base_rate),
        "color_range": _RANGES.get(codec.color_range),
        "color_space": _MATRICES.get(codec.colorspace),
        "color_transfer": _TRANSFERS.get(codec.color_trc),
        "color_primaries": _PRIMARIES.get(codec.color_primaries),
        "field_order": _FIELD_ORDERS.get(int(getattr(codec, "field_order", 0) or 0)),
        "side_data_list": _side_data(container, stream),
    }


def _side_data(container: Any, stream: Any) -> list[dict[str, Any]] | None:
    """Rotation and HDR metadata: of a stream PyAV does not tell them, but its first frame has them."""
    frame = None
    try:
        frame = next(container.decode(stream), None)
        container.seek(0)
    except (av.FFmpegError, StopIteration):
        pass  # what comes of that is said when all is read
    if frame is None:
        return None
    found: list[dict[str, Any]] = [{"side_data_type": "Display Matrix", "rotation": frame.rotation}]
    # A mapping: PyAV up to 18 goes over what is in it, PyAV 19 over its types.
    types = {getattr(data, "type", data).name for data in frame.side_data}
    found = found[: bool(frame.rotation)] + [
        {"side_data_type": _SIDE_DATA[t]} for t in _SIDE_DATA if t in types
    ]
    return found or None


def packet_times(container: Any, stream: Any, limit: int | None) -> Iterator[str]:
    """Compact lines, one a packet of `stream`; the first `limit`."""
    for count, packet in enumerate(_packets(container, stream)):
        if limit is not None and count >= limit:
            return
        yield f"{_times('pts', packet)}|flags={'D' if packet.is_discard else '_'}"


def frame_times(container: Any, stream: Any, limit: int | None) -> Iterator[str]:
    """The same, one a decoded frame of the first `limit` packets."""
    for count, packet in enumerate(container.demux(stream)):
        if limit is not None and count >= limit:
            packet = None  # what the decoder still has
        try:
            frames = stream.codec_context.decode(packet)
        except av.FFmpegError as error:
            print(f"{error.strerror}", file=sys.stderr)
            continue
        yield from (_times("best_effort_timestamp", frame) for frame in frames)
        if packet is None:
            return


def _times(name: str, timed: Any) -> str:
    pts, duration = timed.pts, timed.duration
    return f"{name}={'N/A' if pts is None else pts}|duration={duration or 'N/A'}"


def packet_hashes(container: Any) -> Iterator[str]:
    """CSV lines: stream and CRC-32 of every packet, then each stream's kind."""
    for packet in _packets(container, None):
        yield f"{packet.stream_index},CRC32:{zlib.crc32(bytes(packet)):08x}"
    yield from (stream.type for stream in container.streams)


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """All but the empty one at the end, which tells decoders that nothing comes."""
    for packet in container.demux(stream) if stream is not None else container.demux():
        if packet.size or packet.pts is not None or packet.dts is not None:
            yield packet


def _seconds(ticks: int | None, base: Fraction | None) -> str | None:
    return None if ticks is None or base is None else f"{float(ticks * base):.6f}"


def _ratio(value: Fraction | None) -> str | None:
    return None if value is None else f"{value.numerator}/{value.denominator}"


def _known(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
