"""What ffprobe says of a file's streams, as nouns: tracks beside the video, and its colour."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_UNKNOWN = ("unknown", "unspecified", "reserved")
VP9_COLOR_SPACES: Mapping[str, int] = {
    "bt470bg": 1,
    "bt709": 2,
    "smpte170m": 3,
    "smpte240m": 4,
    "bt2020nc": 5,
}
"""color_space of a VP9 header (bitstream specification, section 7.2.2) by ffmpeg's name of the matrix."""


@dataclass(frozen=True, kw_only=True)
class Track:
    """A stream beside the video."""

    kind: str
    """"audio", "subtitle", "attachment", "data", or "video" for further pictures."""
    index: int
    """Of the stream in the file."""
    codec: str
    """ffmpeg's name; "" where ffmpeg does not know it."""
    tags: tuple[tuple[str, str], ...] = ()
    """language, title, filename, mimetype: those there are."""
    flags: tuple[str, ...] = ()
    """default, forced: those that are set."""
    is_cover: bool = False
    """A picture of the whole file, not a video."""


@dataclass(frozen=True, kw_only=True)
class Color:
    """How the samples are meant, by ffmpeg's names; "" is unknown."""

    matrix: str = ""
    primaries: str = ""
    transfer: str = ""
    full_range: bool = False

    @property
    def vp9_bits(self) -> int | None:
        """color_space and color_range as VP9 writes them, 4 bits; None where both are its defaults."""
        bits = VP9_COLOR_SPACES.get(self.matrix, 0) << 1 | self.full_range
        return bits or None

    def options(self) -> dict[str, str]:
        """What tells ffmpeg's muxers."""
        said = {
            "colorspace": self.matrix,
            "color_primaries": self.primaries,
            "color_trc": self.transfer,
            "color_range": "pc" if self.full_range else "",
        }
        if any(said.values()) and not self.full_range:
            said["color_range"] = "tv"
        return {name: value for name, value in said.items() if value}


def tracks_of(streams: list[dict[str, Any]], video: int) -> Iterator[Track]:
    """All streams but the one with index `video`."""
    for stream in streams:
        if stream["index"] == video:
            continue
        tags = {key.lower(): str(value) for key, value in stream.get("tags", {}).items()}
        flags = stream.get("disposition", {})
        yield Track(
            kind=stream.get("codec_type", "data"),
            index=stream["index"],
            codec=_known(stream.get("codec_name", "")),
            tags=tuple(
                (key, tags[key]) for key in ("language", "title", "filename", "mimetype") if key in tags
            ),
            flags=tuple(flag for flag in ("default", "forced") if flags.get(flag)),
            is_cover=bool(flags.get("attached_pic")),
        )


def color_of(video: dict[str, Any]) -> Color:
    """The colour of 4:2:0 frames that ffmpeg decodes from this stream."""
    pix_fmt = video.get("pix_fmt", "")
    rgb = pix_fmt.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8"))
    planar = pix_fmt.startswith(("yuv", "nv", "gray", "p0"))
    return Color(
        # ffmpeg turns RGB into limited BT.601 where nothing is said.
        matrix="smpte170m" if rgb else _known(video.get("color_space", "")),
        primaries=_known(video.get("color_primaries", "")),
        transfer=_known(video.get("color_transfer", "")),
        full_range=pix_fmt.startswith("yuvj") or (planar and video.get("color_range") == "pc"),
    )


def _known(name: str) -> str:
    return "" if name in _UNKNOWN or name in ("gbr", "rgb") else name
