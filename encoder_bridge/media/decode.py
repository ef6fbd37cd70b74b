"""Decoding: the frames of a video file as raw 4:2:0.

ffmpeg reads the file; the frames come through a pipe (`open_frames`) that the C side reads by
itself, so that a whole clip is never in memory, or as one array (`read_frames`) for training.
"""

import dataclasses
import fcntl
import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TypeAlias

import numpy as np
import numpy.typing as npt

from encoder_bridge.errors import BadInput
from encoder_bridge.media.decode_command import decode_command
from encoder_bridge.media.ffmpeg import check_memory, complaints, last_complaint, running
from encoder_bridge.media.probe import VideoFile, probe
from encoder_bridge.media.selection import Selection
from encoder_bridge.media.sources import open_source

_PIPE_BYTES = 1 << 20


ClipOrPath: TypeAlias = VideoFile | Path | str


@contextmanager
def open_clip(
    path: str | Path,
    *,
    max_frames: int | None = None,
    selection: Selection | None = None,
    playlists: bool = False,
    bit_depth: int | None = 8,
) -> Iterator[VideoFile]:
    """Probes a file, or stdin for "-"; pipes are spooled to a nameless file first. Arguments as of `probe`.

    Raises:
        BadInput: nothing that can be encoded; see `open_source` and `probe`.
    """
    fps = selection.fps if selection is not None else None
    with open_source(path, playlists=playlists, fps=fps) as source:
        yield probe(source, max_frames=max_frames, selection=selection, bit_depth=bit_depth)


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
        check_memory("ffmpeg", 0 if frames >= self.clip.frames else status, text)
        if frames == 0:
            raise BadInput(f"{self.clip.name} holds no frame that can be decoded: {last_complaint(text)}")
        # A few frames may be undecodable at an honest file's start (an open GOP's leading ones).
        if status != 0 or frames < 0.98 * self.clip.frames - 2:
            raise BadInput(
                f"{self.clip.name} is damaged: {frames} of {self.clip.frames} frames could be decoded "
                f"({last_complaint(text)})"
            )


@contextmanager
def open_frames(
    clip: ClipOrPath, *, max_frames: int | None = None, part: tuple[int, int] | None = None
) -> Iterator[FramePipe]:
    """Decodes into a pipe: planar 4:2:0 frames of the clip's bit depth, back to back, rotation applied.

    Args:
        clip: a probed one, or its path.
        max_frames: of a path: the first ones only.
        part: first frame and number of frames; None is all of them.
    """
    clip = as_clip(clip, max_frames)
    first, count = part or (0, clip.max_frames)
    if part is not None:
        clip = dataclasses.replace(clip, frames=part[1])
    with running(_decode_command(clip, first, count), stdout=subprocess.PIPE) as (process, stderr):
        pipe = FramePipe(clip, process, stderr)
        with suppress(OSError, AttributeError):  # a larger pipe only saves wake-ups
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        yield pipe


def read_frames(clip: ClipOrPath, max_frames: int | None = None) -> npt.NDArray[np.uint8]:
    """Decodes a whole clip into `[T, frame_bytes]` u1: planar 4:2:0 frames, of a path in 8 bits.

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


def _decode_command(clip: VideoFile, first: int, count: int | None) -> list[str]:
    return decode_command(
        clip.path,
        clip.stream,
        clip.options,
        clip.selection,
        count,
        first=first,
        size=(clip.width, clip.height),
        full_range=clip.color.full_range,
        bit_depth=clip.bit_depth,
    )
