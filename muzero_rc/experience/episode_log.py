"""The append-only log of finished episodes: the truth of a run, on disk.

A log is a folder of segments, `000000.episodes`, `000001.episodes`, ... read in that order. A
segment is a sequence of frames:

    b"MZEP" | u32 payload length | u32 CRC-32 of the payload | payload (an .npz archive)

Numbers are little-endian. An episode is appended by one write and one fsync, so a process that is
killed leaves at most a torn last frame. A reader stops a segment at the first frame that is not
whole; a writer never touches an old segment, it begins a new one.

Step features and controller references are not kept: the extension recomputes them from `records`,
also for another target than the one that was played (`muzero_rc.experience.hindsight`).
"""

import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from muzero_rc.reward.outcome import Outcome
from muzero_rc.types import Array

TEACHER = "teacher"  # a plan made without the agent: constant quality, searched plans
SELFPLAY = "selfplay"  # the agent with the opponent it had
EVALUATION = "evaluation"  # the exported policy; never trained on

OWN = "self"  # the stream of episodes that a run plays itself

_MAGIC = b"MZEP"
_HEADER = struct.Struct("<4sII")
_SUFFIX = ".episodes"
_SEGMENT_BYTES = 64 << 20


@dataclass(frozen=True)
class Episode:
    """One encode from its first to its last frame.

    Attributes:
      uid: unique in a log; the same work has the same uid, so it is never counted twice.
      instance: name in the catalogue.
      clip: what instances share an opponent by.
      target_kbps: the bitrate that was asked for.
      source: TEACHER, SELFPLAY or EVALUATION.
      greedy: played without exploration.
      step: learner step of the weights that played, 0 for teachers.
      config_hash: of the run's config.
      encode_s: CPU seconds of the encoder.
      rate_kbps: achieved, all packets.
      psnr_y_db: mean over shown frames of luma PSNR, each at most 60 dB.
      outcome: gain over the anchor curve at the target, and overshoot.
      records: [N] one native record per result, in coding order.
      policies: [N, A] search policy of each record, or None.
      values: [N] search value of each record, or None.
    """

    uid: str
    instance: str
    clip: str
    target_kbps: int
    source: str
    greedy: bool
    step: int
    config_hash: str
    encode_s: float
    rate_kbps: float
    psnr_y_db: float
    outcome: Outcome
    records: Array
    policies: Array | None = None
    values: Array | None = None


_ARRAYS = ("records", "policies", "values")


def to_bytes(episode: Episode) -> bytes:
    """The payload of one episode."""
    plain = {f.name: getattr(episode, f.name) for f in fields(Episode) if f.name not in _ARRAYS}
    plain["outcome"] = asdict(episode.outcome)
    arrays = {name: getattr(episode, name) for name in _ARRAYS if getattr(episode, name) is not None}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, meta=np.frombuffer(json.dumps(plain).encode(), np.uint8), **arrays)
    return buffer.getvalue()


def from_bytes(payload: bytes) -> Episode:
    """The episode of a payload. Raises ValueError for anything else."""
    try:
        with np.load(io.BytesIO(payload), allow_pickle=False) as archive:
            plain: dict[str, Any] = json.loads(archive["meta"].tobytes())
            arrays = {name: archive[name] for name in _ARRAYS if name in archive}
        plain["outcome"] = Outcome(**plain["outcome"])
        return Episode(**plain, **arrays)
    except (OSError, KeyError, TypeError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        raise ValueError(f"not an episode: {error}") from error


class EpisodeWriter:
    """Appends to a log; every `append` is on disk when it returns."""

    def __init__(self, folder: Path, *, segment_bytes: int = _SEGMENT_BYTES) -> None:
        """Args: folder: the log, made if missing; segment_bytes: when to begin another segment."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._file: io.BufferedWriter | None = None

    def append(self, episode: Episode) -> None:
        """Writes one episode through to the disk."""
        payload = to_bytes(episode)
        if self._file is None or self._file.tell() >= self._segment_bytes:
            self._file = self._next_segment()
        try:
            self._file.write(_HEADER.pack(_MAGIC, len(payload), zlib.crc32(payload)) + payload)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:
            self._file = None  # what follows a torn frame would never be read
            raise

    def _next_segment(self) -> io.BufferedWriter:
        self.close()
        number = max((int(path.stem) for path in segments(self._folder)), default=-1) + 1
        file = (self._folder / f"{number:06d}{_SUFFIX}").open("xb")
        directory = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return file

    def close(self) -> None:
        """Closes the segment; a later append begins another."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class EpisodeTail:
    """Follows a log that others may still append to; an episode's uid comes at most once."""

    def __init__(self, folder: Path) -> None:
        """Args: folder: the log; it may come into being later."""
        self._folder = folder
        self._offsets: dict[Path, int] = {}
        self._seen: set[str] = set()

    def new(self) -> Iterator[Episode]:
        """The whole episodes appended since the last call, in the log's order."""
        for path in segments(self._folder):
            for payload in self._payloads(path):
                episode = from_bytes(payload)
                if episode.uid not in self._seen:
                    self._seen.add(episode.uid)
                    yield episode

    def _payloads(self, path: Path) -> Iterator[bytes]:
        with path.open("rb") as file:
            file.seek(self._offsets.get(path, 0))
            while (payload := _read_frame(file)) is not None:
                self._offsets[path] = file.tell()
                yield payload


def segments(folder: Path) -> list[Path]:
    """The segments of a log, in their order."""
    return sorted(path for path in folder.glob(f"*{_SUFFIX}") if path.stem.isdigit())


def read_log(folder: Path) -> Iterator[Episode]:
    """Every whole episode of a log, in its order, each uid once."""
    return EpisodeTail(folder).new()


def _read_frame(file: io.BufferedReader) -> bytes | None:
    """The next payload, or None where the frame is not whole."""
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    magic, length, checksum = _HEADER.unpack(header)
    if magic != _MAGIC:
        return None
    payload = file.read(length)
    return payload if len(payload) == length and zlib.crc32(payload) == checksum else None
