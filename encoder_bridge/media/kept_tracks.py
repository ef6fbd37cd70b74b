"""Which of a source's tracks an output keeps, how each gets there, and what is lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from encoder_bridge.media.containers import MKV, MP4, WEBM, Container
from encoder_bridge.media.streams import Track

_TEXT = ("subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text")
_OPUS_LAYOUTS = "aformat=channel_layouts=mono|stereo|quad|5.0|5.1|7.1"
_LETTERS = {"audio": "a", "subtitle": "s", "attachment": "t"}


@dataclass(frozen=True)
class KeptTrack:
    """One track of an output.

    Attributes:
        track: of the source.
        number: among those of its kind, from 0.
        codec: ffmpeg's encoder, or "copy".
        layouts: its channels are mapped to what Opus has.
    """

    track: Track
    number: int
    codec: str
    layouts: bool = False

    def options(self, audio_kbps: int | None) -> dict[str, str | list[str]]:
        """ffmpeg's, behind the inputs."""
        place = f"{_LETTERS[self.track.kind]}:{self.number}"
        options: dict[str, str | list[str]] = {f"c:{place}": self.codec}
        if self.layouts:
            options[f"filter:{place}"] = _OPUS_LAYOUTS
        if audio_kbps is not None and self.track.kind == "audio" and self.codec != "copy":
            options[f"b:{place}"] = f"{audio_kbps}k"
        tags = [f"{key}={value}" for key, value in self.track.tags if (key, value) != ("language", "und")]
        if tags:
            options[f"metadata:s:{place}"] = tags
        return options


def kept_tracks(
    tracks: Sequence[Track], container: Container, *, audio: bool, audio_kbps: int | None = None
) -> tuple[KeptTrack, ...]:
    """The tracks that `container` can hold: audio first, then subtitles, then attachments.

    Args:
        tracks: of the source.
        container: of the output.
        audio: keep audio at all.
        audio_kbps: all audio is coded anew at this bitrate; None copies what can be.
    """
    kept: list[KeptTrack] = []
    for kind in _LETTERS:
        for track in tracks:
            if track.kind != kind or (kind == "audio" and not audio):
                continue
            codec = _codec(track, container, audio_kbps)
            if codec:
                number = sum(one.track.kind == kind for one in kept)
                kept.append(KeptTrack(track, number, codec, codec == "libopus"))
    return tuple(kept)


def lost_tracks(
    tracks: Sequence[Track], kept: Sequence[KeptTrack], *, audio: bool, chapters: int
) -> Iterator[str]:
    """What is not among `kept`, in words; what was not wanted is no loss."""
    indexes = {one.track.index for one in kept}
    for track in tracks:
        if track.index in indexes or (track.kind == "audio" and not audio):
            continue
        if track.kind == "data" and chapters:
            continue  # an MP4's chapters are a track
        kind = "cover picture" if track.is_cover else f"{track.kind} track"
        yield f"{kind} {track.index} ({track.codec or 'of a kind that ffmpeg does not know'})"


def _codec(track: Track, container: Container, audio_kbps: int | None) -> str:
    """How a track is written; "" where it cannot be."""
    if track.kind == "audio":
        if not track.codec:
            return ""
        return "copy" if track.codec in container.audio and audio_kbps is None else container.audio_encoder
    if track.kind == "subtitle":
        return _subtitle_codec(track.codec, container)
    return "copy" if container is MKV and track.codec else ""


def _subtitle_codec(codec: str, container: Container) -> str:
    if container is MKV:
        return "srt" if codec == "mov_text" else "copy" if codec else ""
    if codec not in _TEXT:
        return ""
    wanted = {WEBM.suffix: "webvtt", MP4.suffix: "mov_text"}[container.suffix]
    return "copy" if codec == wanted else wanted
