"""Muxing: VP9 packets into a WebM, Matroska or MP4 file, with what the source has beside its video.

ffmpeg muxes; what it wrote is read back before it appears under the output's name.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from encoder_bridge.errors import BadInput, EncodeFailed
from encoder_bridge.media.container_check import check_container
from encoder_bridge.media.containers import Container
from encoder_bridge.media.ffmpeg import (
    as_url,
    check_memory,
    counts_codec_delay,
    last_complaint,
    program,
    run,
)
from encoder_bridge.media.hdr import missing_hdr, packets_input
from encoder_bridge.media.ivf import IvfWriter
from encoder_bridge.media.kept_tracks import KeptTrack, kept_tracks, lost_tracks
from encoder_bridge.media.output import Output, open_output
from encoder_bridge.media.probe import VideoFile
from encoder_bridge.media.scratch import scratch_file

AUDIO = ("copy", "none")
"""copy: as it is where the container can hold it, else coded anew."""
_OPUS_DELAY_S = 0.007
"""Opus starts so early, in whole milliseconds: before 6.0 ffmpeg's muxer moves the video out of its way."""
_DISK = ("No space left", "Input/output error", "File too large", "quota")


def write_output(
    packets: IvfWriter,
    clip: VideoFile,
    output: Output,
    *,
    frames: int,
    audio: str = "copy",
    audio_kbps: int | None = None,
) -> tuple[int, tuple[str, ...]]:
    """Muxes packets and the clip's other tracks into `output`, which appears when it is whole.

    Args:
        packets: the video's, flushed.
        clip: where they came from: tracks, start time, shape of the pixels, colour.
        output: from `check_output`.
        frames: number of shown frames; everything ends with them where the clip was cut.
        audio: "copy" keeps all audio streams, "none" none.
        audio_kbps: audio is coded anew, at this bitrate.

    Returns:
        The output's bytes, and what of the source is not in it, in words.

    Raises:
        BadInput: an unknown `audio`.
        EncodeFailed: ffmpeg could not write the file, or wrote another one: not all packets, no index.
        OSError: the disk is full, or fails otherwise.
    """
    if audio not in AUDIO:
        raise BadInput(f'audio "{audio}" is unknown: use copy or none')
    keep = audio == "copy"
    kept = kept_tracks(clip.tracks, output.container, audio=keep, audio_kbps=audio_kbps)
    complaint, size = "", 0
    hdr_lost = [*clip.hdr.lost]

    def check(written: Path) -> None:
        nonlocal size
        try:
            kinds = [one.track.kind for one in kept]
            check_container(written, packets.checksums, container=output.container, others=kinds)
            hdr_lost.extend(missing_hdr(written, clip.hdr))
        except EncodeFailed as error:
            raise EncodeFailed(f"{output.name} could not be written: {complaint or error}") from error
        size = written.stat().st_size

    with (
        open_output(output, check=check) as temporary,
        packets_input(packets.path, clip.hdr, _last_duration(clip, frames)) as words,
    ):
        muxer = _Muxer(words, clip, output.container, frames, audio_kbps)
        status, complaint = muxer.write(kept, temporary)
        if status != 0 and kept and not any(word in complaint for word in _DISK):
            kept = tuple(one for one in kept if muxer.takes(one, temporary))
            status, complaint = muxer.write(kept, temporary)
        if status != 0:
            raise EncodeFailed(f"{output.name} could not be written: {complaint}")
    lost = [*hdr_lost, *lost_tracks(clip.tracks, kept, audio=keep, chapters=clip.chapters)]
    return size, (f"not kept: {', '.join(lost)}",) if lost else ()


def other_bytes(
    clip: VideoFile, container: Container, *, audio: str = "copy", audio_kbps: int | None = None
) -> int:
    """Bytes of an output's tracks beside the video.

    Raises:
        EncodeFailed: ffmpeg ran out of memory.
    """
    kept = kept_tracks(clip.tracks, container, audio=audio == "copy", audio_kbps=audio_kbps)
    if not kept:
        return 0
    with scratch_file(f".{container.suffix}") as (_, path):
        muxer = _Muxer(None, clip, container, clip.frames, audio_kbps)
        if muxer.write(kept, path)[0] != 0:
            muxer.write([one for one in kept if muxer.takes(one, path)], path)
        return path.stat().st_size


def _last_duration(clip: VideoFile, frames: int) -> dict[str, str]:
    """The option for the duration of the last of `frames`, which an IVF file does not say.

    In which ticks a muxer wants to be told is its own affair, so it is told in those of the frame's time.
    The others' follow from the times; what ffmpeg believes of them is a mean.
    """
    if not clip.times or frames <= 1:
        return {}
    start, end = clip.times[frames - 1 : frames + 1]
    last = f"PTS*{(end - start) / start:.9f}"
    return {"bsf:v": f"setts=duration=if(eq(N\\,{frames - 1})\\,{last}\\,0)"}


class _Muxer:
    """Runs ffmpeg for one output, with all tracks or some of them."""

    def __init__(
        self,
        packets: Sequence[str] | None,
        clip: VideoFile,
        container: Container,
        frames: int,
        audio_kbps: int | None,
    ) -> None:
        """Args: packets: ffmpeg's words for this input; None muxes the other tracks alone."""
        self._packets = packets
        self._clip = clip
        self._container = container
        self._frames = frames
        self._audio_kbps = audio_kbps
        self._is_cut = clip.max_frames is not None or clip.selection.end_s is not None

    def write(self, kept: Sequence[KeptTrack], to: Path) -> tuple[int, str]:
        """Ffmpeg's exit status, and its last complaint, "" for none."""
        inputs: list[str] = []
        maps: list[str] = []
        count, chapters = 0, "-1"
        if self._packets is not None:
            inputs, maps, count = [*self._packets], ["-map", "0:v:0"], 1
        sound = [one for one in kept if one.track.kind == "audio"]
        rest = [one for one in kept if one.track.kind != "audio"]
        if sound:
            inputs += self._source(self._sound_shift_s(sound))
            maps += [word for one in sound for word in ("-map", f"{count}:{one.track.index}")]
            count += 1
        if rest or self._clip.chapters:
            inputs += self._source(-self._clip.start_s)
            maps += [word for one in rest for word in ("-map", f"{count}:{one.track.index}")]
            chapters = str(count)
        options = {"map_chapters": chapters, **self._file_options()}
        if self._packets is not None:
            options |= self._video_options()
        for one in kept:
            options |= one.options(self._audio_kbps)
        options |= self._sound_options(sound)
        return self._run(inputs, maps, options, to)

    def takes(self, one: KeptTrack, to: Path) -> bool:
        """Whether a track alone can be muxed."""
        alone = KeptTrack(one.track, 0, one.codec, one.layouts)
        maps = ["-map", f"0:{one.track.index}"]
        status, _ = self._run(self._source(0.0), maps, alone.options(self._audio_kbps), to)
        return status == 0

    def _run(
        self, inputs: Sequence[str], maps: Sequence[str], options: Mapping[str, str | list[str]], to: Path
    ) -> tuple[int, str]:
        command = [program("ffmpeg"), "-nostdin", "-v", "error", *inputs, *maps]
        command += ["-map_metadata:g", "-1", "-map_metadata:s", "-1"]
        command += ["-fflags", "+bitexact", "-flags", "+bitexact"]
        for name, value in options.items():
            for one in [value] if isinstance(value, str) else value:
                command += [f"-{name}", one]
        status, text = run([*command, "-f", self._container.muxer, "-y", as_url(to)])
        check_memory("ffmpeg", status, text)
        return status, last_complaint(text) if text else ""

    def _source(self, shift_s: float) -> list[str]:
        """The source as another input, its times moved by so much, cut where the video is."""
        clip, limits = self._clip, {"itsoffset": f"{shift_s:.6f}"}
        limits |= clip.selection.input_options()
        if clip.max_frames is not None:
            limits["t"] = f"{clip.start_s + float(self._frames / clip.fps):.6f}"
        options = [word for pair in {**clip.options, **limits}.items() for word in (f"-{pair[0]}", pair[1])]
        return [*options, "-i", as_url(clip.path)]

    def _is_opus(self, sound: Sequence[KeptTrack]) -> bool:
        """Sound that begins by its codec's delay before what is to be heard, as Matroska says it."""
        opus = any(one.codec == "libopus" or one.track.codec == "opus" for one in sound)
        return opus and self._container.is_matroska

    def _sound_shift_s(self, sound: Sequence[KeptTrack]) -> float:
        """The sound is moved, not the video, whose times are whole frames until they are the container's."""
        start_s = self._clip.start_s
        if not self._is_opus(sound):
            return -start_s
        if any(one.track.codec == "opus" for one in sound) and start_s <= 2.1 * _OPUS_DELAY_S:
            start_s = min(start_s, _OPUS_DELAY_S)  # what is more is a video that was moved out of its way
        return _OPUS_DELAY_S - start_s

    def _sound_options(self, sound: Sequence[KeptTrack]) -> dict[str, str]:
        """Moved back once nothing of it can be left out any more, by a muxer that counts the delay itself."""
        if not self._is_opus(sound) or not counts_codec_delay(program("ffmpeg")):
            return {}
        back = f"{_OPUS_DELAY_S}/TB"
        return {"bsf:a": f"setts=pts=PTS-{back}:dts=DTS-{back}"}

    def _video_options(self) -> dict[str, str | list[str]]:
        clip = self._clip
        options: dict[str, str | list[str]] = {"c:v": "copy", **clip.color.options()}
        options |= _last_duration(clip, self._frames)
        if clip.sample_aspect != 1:
            shape = clip.sample_aspect * clip.width / clip.height
            options["aspect"] = f"{shape.numerator}:{shape.denominator}"
        return options

    def _file_options(self) -> dict[str, str | list[str]]:
        options: dict[str, str | list[str]] = {}
        if self._clip.tags:
            options["metadata"] = [f"{key}={value}" for key, value in self._clip.tags]
        if self._container.is_matroska:
            options["copypriorss:a"] = "0"  # sound before the start would move the video out of its way
        else:
            options["movflags"] = "+faststart"
        if self._is_cut and self._clip.chapters:
            options["t"] = f"{float(self._frames / self._clip.fps):.6f}"
        return options
