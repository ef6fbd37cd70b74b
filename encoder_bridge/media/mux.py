"""Muxing: VP9 packets into a WebM file with true timestamps and the source's audio.

Packets go into a temporary IVF file as they come, so that memory does not grow with the video;
ffmpeg muxes that and the audio. What it wrote is read back before it appears under the output's name.
"""

import os
import struct
import tempfile
import zlib
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import IO

import ffmpeg

from encoder_bridge.atomic_file import output_file, whole_file
from encoder_bridge.errors import BadInput, EncodeFailed
from encoder_bridge.media.ffmpeg import as_url, last_complaint, program, run
from encoder_bridge.media.probe import VideoFile
from encoder_bridge.media.webm_check import check_webm

WEBM_AUDIO = ("opus", "vorbis")
"""Audio codecs that WebM can hold: these are copied, others become Opus."""

_OPUS_DELAY_S = 0.007
"""Opus starts so early, in whole milliseconds: ffmpeg's muxer would move the video out of its way."""
_OPUS_LAYOUTS = "aformat=channel_layouts=mono|stereo|quad|5.0|5.1|7.1"


def check_output(path: str | Path, *, source: Path | None = None, force: bool = False) -> Path:
    """Says in words when `path` cannot become an output file; gives it as an absolute path.

    Raises:
        BadInput: the folder is missing or closed, the path exists and not `force`, it is the source, or
            no regular file (see `output_file`).
    """
    path = Path(path).absolute()
    folder = path.parent
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder: make it before writing {path.name} there")
    folder = output_file(path).parent
    if source is not None and path.exists() and source.exists() and path.samefile(source):
        raise BadInput(f"{path} is the input: name another output")
    if path.exists() and not force:
        raise BadInput(f"{path} exists: use --force to replace it")
    if not os.access(folder, os.W_OK):
        raise BadInput(f"{folder} cannot be written to")
    return path


class IvfWriter:
    """Writes VP9 packets into an IVF file. pts counts frames.

    Attributes:
        path: the file.
        checksums: CRC-32 of every packet.
    """

    def __init__(self, stream: IO[bytes], path: Path, width: int, height: int, fps: Fraction) -> None:
        self.path = path
        self.checksums = array("I")
        self._stream = stream
        size = (min(width, 0xFFFF), min(height, 0xFFFF))
        stream.write(
            struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, b"VP90", *size, fps.numerator, fps.denominator, 0, 0)
        )

    def write(self, packets: Iterable[tuple[int, bool | int, bytes]]) -> None:
        """Appends (pts, key, data) packets."""
        for pts, _, data in packets:
            self._stream.write(struct.pack("<Iq", len(data), pts))
            self._stream.write(data)
            self.checksums.append(zlib.crc32(data))

    def flush(self) -> None:
        """Everything written is in the file afterwards."""
        self._stream.flush()


@contextmanager
def ivf_file(clip: VideoFile) -> Iterator[IvfWriter]:
    """A temporary IVF file for a clip's packets."""
    with tempfile.NamedTemporaryFile(prefix="muzero-rc-", suffix=".ivf") as stream:
        yield IvfWriter(stream.file, Path(stream.name), clip.width, clip.height, clip.fps)


def write_webm(
    packets: IvfWriter, clip: VideoFile, output: Path, *, frames: int, audio: str = "copy"
) -> None:
    """Muxes packets and the clip's audio into `output`, which appears when it is whole.

    Args:
        packets: the video's, flushed.
        clip: where they came from: audio, start time, shape of the pixels.
        output: replaced if it exists; see `check_output`.
        frames: number of shown frames; the audio ends with them where the clip was cut.
        audio: "copy" keeps all audio streams (as Opus where WebM cannot hold them), "none" none.

    Raises:
        BadInput: an unknown `audio`.
        EncodeFailed: ffmpeg could not write the file, or wrote another one: not all packets, no index.
        OSError: the disk is full, or fails otherwise.
    """
    if audio not in ("copy", "none"):
        raise BadInput(f'audio "{audio}" is unknown: use copy or none')
    streams = [ffmpeg.input(as_url(packets.path), f="ivf")["v:0"]]
    codecs: dict[str, str] = {"c:v": "copy"}
    audio_codecs = clip.audio_codecs if audio == "copy" else ()
    if audio_codecs:
        # The sound is moved, not the video, whose times are whole frames until they are WebM's.
        opus = any(codec != "vorbis" for codec in audio_codecs)
        shift_s = (_OPUS_DELAY_S if opus else 0.0) - clip.start_s
        limit = {"itsoffset": f"{shift_s:.6f}"}
        if clip.max_frames is not None:
            limit["t"] = f"{clip.start_s + float(frames / clip.fps):.6f}"
        source = ffmpeg.input(as_url(clip.path), vn=None, **limit)
        streams += [source[f"a:{i}"] for i in range(len(audio_codecs))]
        codecs |= _audio_options(audio_codecs)
    if clip.sample_aspect != 1:
        shape = clip.sample_aspect * clip.width / clip.height
        codecs["aspect"] = f"{shape.numerator}:{shape.denominator}"
    exact = {"fflags": "+bitexact", "flags": "+bitexact", "map_metadata": "-1", "map_chapters": "-1"}
    complaint = ""

    def check(written: Path) -> None:
        try:
            check_webm(written, packets.checksums, audio_streams=len(audio_codecs))
        except EncodeFailed as error:
            reason = complaint or str(error)
            raise EncodeFailed(f"{output} could not be written: {reason}") from error

    with whole_file(output, check=check) as temporary:
        muxer = ffmpeg.output(*streams, as_url(temporary), format="webm", **codecs, **exact)
        command = ffmpeg.compile(muxer.global_args("-nostdin", "-v", "error"), cmd=program("ffmpeg"))
        status, text = run([*map(str, command), "-y"])
        complaint = last_complaint(text) if text else ""
        if status != 0:
            raise EncodeFailed(f"{output} could not be written: {last_complaint(text)}")


def _audio_options(audio_codecs: tuple[str, ...]) -> dict[str, str]:
    options = {}
    for i, codec in enumerate(audio_codecs):
        if codec in WEBM_AUDIO:
            options[f"c:a:{i}"] = "copy"
        else:
            options |= {f"c:a:{i}": "libopus", f"filter:a:{i}": _OPUS_LAYOUTS}
    return options
