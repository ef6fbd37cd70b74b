"""Decoding: the frames of a video file as raw 8-bit 4:2:0.

ffmpeg reads the file; the frames come through a pipe (`open_frames`) that the C side reads by
itself, so that a whole clip is never in memory, or as one array (`read_frames`) for training.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TypeAlias

import ffmpeg
import numpy as np
import numpy.typing as npt

from encoder_bridge.errors import BadInput
from encoder_bridge.media.ffmpeg import as_url, complaints, every_frame_once, last_complaint, program, running
from encoder_bridge.media.probe import VideoFile, probe

_PIPE_BYTES = 1 << 20


ClipOrPath: TypeAlias = VideoFile | Path | str


@contextmanager
def open_clip(path: str | Path, *, max_frames: int | None = None) -> Iterator[VideoFile]:
    """Probes a file, or stdin for "-"; pipes are spooled to a temporary file first.

    Raises:
        BadInput: nothing that can be encoded; see `probe`.
    """
    source = Path(path)
    if str(path) != "-" and not source.is_fifo() and not source.is_char_device():
        yield probe(source, max_frames=max_frames)
        return
    with tempfile.NamedTemporaryFile(prefix="muzero-rc-", suffix=".y4m") as spool:
        with sys.stdin.buffer if str(path) == "-" else source.open("rb") as stream:
            shutil.copyfileobj(stream, spool, _PIPE_BYTES)
        spool.flush()
        if spool.tell() == 0:
            raise BadInput(
                f"{'stdin' if str(path) == '-' else path} holds no bytes: pipe a y4m video into it"
            )
        yield probe(Path(spool.name), max_frames=max_frames)


class FramePipe:
    """Raw frames from a running ffmpeg; give it to whoever takes a file number."""

    def __init__(self, clip: VideoFile, process: subprocess.Popen[bytes], stderr: IO[bytes]) -> None:
        self.clip = clip
        self._process = process
        self._stderr = stderr

    def fileno(self) -> int:
        """The file descriptor to read `clip.frame_bytes` times the number of frames from."""
        return self.stdout.fileno()

    @property
    def stdout(self) -> IO[bytes]:
        """The same as a Python file."""
        assert self._process.stdout is not None
        return self._process.stdout

    def check(self, frames: int) -> None:
        """Says in words when the `frames` that were read to the pipe's end are not the whole clip.

        Raises:
            BadInput: ffmpeg failed, or many frames could not be decoded.
        """
        self.stdout.close()
        status = self._process.wait()
        text = complaints(self._stderr)
        if frames == 0:
            raise BadInput(f"{self.clip.path} holds no frame that can be decoded: {last_complaint(text)}")
        # A few frames may be undecodable at an honest file's start (an open GOP's leading ones).
        if status != 0 or frames < 0.98 * self.clip.frames - 2:
            raise BadInput(
                f"{self.clip.path} is damaged: {frames} of {self.clip.frames} frames could be decoded "
                f"({last_complaint(text)})"
            )


@contextmanager
def open_frames(clip: ClipOrPath, *, max_frames: int | None = None) -> Iterator[FramePipe]:
    """Decodes into a pipe: planar 8-bit 4:2:0 frames, back to back, rotation applied."""
    clip = as_clip(clip, max_frames)
    with running(_decode_command(clip), stdout=subprocess.PIPE) as (process, stderr):
        pipe = FramePipe(clip, process, stderr)
        with suppress(OSError, AttributeError):  # a larger pipe only saves wake-ups
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        yield pipe


def read_frames(clip: ClipOrPath, max_frames: int | None = None) -> npt.NDArray[np.uint8]:
    """Decodes a whole clip into `[T, frame_bytes]` u1: planar 4:2:0 frames.

    Raises:
        BadInput: as `probe`, or frames are missing.
    """
    with open_frames(clip, max_frames=max_frames) as pipe:
        data = np.frombuffer(bytearray(pipe.stdout.read()), np.uint8)
        frames = data[: len(data) // pipe.clip.frame_bytes * pipe.clip.frame_bytes]
        frames = frames.reshape(-1, pipe.clip.frame_bytes)
        pipe.check(len(frames))
    return frames


def as_clip(clip: ClipOrPath, max_frames: int | None = None) -> VideoFile:
    """`clip` itself, or what `probe` says of a path."""
    return clip if isinstance(clip, VideoFile) else probe(clip, max_frames=max_frames)


def content_digest(path: Path) -> str:
    """A hash of a file's bytes."""
    with path.open("rb") as stream:
        digest = hashlib.blake2b(digest_size=20)
        while block := stream.read(_PIPE_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _decode_command(clip: VideoFile) -> list[str]:
    ffmpeg_path = program("ffmpeg")
    mode, value = every_frame_once(ffmpeg_path)
    limit = {} if clip.max_frames is None else {"frames:v": clip.max_frames}
    stream = ffmpeg.input(as_url(clip.path))[str(clip.stream)].output(
        "pipe:1", format="rawvideo", pix_fmt="yuv420p", **{mode[1:]: value}, **limit
    )
    command = ffmpeg.compile(stream.global_args("-nostdin", "-v", "error"), cmd=ffmpeg_path)
    return [str(part) for part in command]
