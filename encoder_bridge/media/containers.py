"""Output containers: WebM, Matroska and MP4, and what each can hold beside VP9."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from encoder_bridge.errors import BadInput


@dataclass(frozen=True)
class Container:
    """One kind of output file.

    Attributes:
        suffix: of file names, and what --format calls it.
        muxer: ffmpeg's name.
        audio: codecs that are copied; others are coded anew.
        audio_encoder: of ffmpeg, for those.
    """

    suffix: str
    muxer: str
    audio: frozenset[str]
    audio_encoder: str

    @property
    def is_matroska(self) -> bool:
        """Made of EBML elements, WebM included."""
        return self.muxer != "mp4"


_PCM = ("pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_u8", "pcm_f32le", "pcm_f64le")
WEBM = Container("webm", "webm", frozenset(("opus", "vorbis")), "libopus")
MKV = Container(
    "mkv",
    "matroska",
    frozenset(
        (
            *("opus", "vorbis", "aac", "ac3", "eac3", "dts", "truehd", "mp1", "mp2", "mp3"),
            *("flac", "alac", "wavpack", "tta"),
            *_PCM,
        )
    ),
    "libopus",
)
MP4 = Container("mp4", "mp4", frozenset(("aac", "opus", "mp3", "ac3", "eac3", "alac")), "aac")

CONTAINERS: Mapping[str, Container] = {one.suffix: one for one in (WEBM, MKV, MP4)}
"""By suffix, which is also the name that --format takes."""


def container_of(path: Path, name: str | None = None) -> Container:
    """The container that an output file's suffix asks for, or `name` where it is given.

    Raises:
        BadInput: neither is one of ours.
    """
    wanted = path.suffix[1:].lower() if name is None else name
    found = CONTAINERS.get(wanted)
    if found is None:
        have = ", ".join(f".{suffix}" for suffix in CONTAINERS)
        if name is not None:
            raise BadInput(f'format "{name}" is unknown: use {", ".join(CONTAINERS)}')
        raise BadInput(f"{path} has none of the suffixes {have}: name one of them, or give --format")
    return found
