"""The episode log: finished episodes on disk, appended one by one, never changed; the truth of a run.

A log is a folder of segments, `000000.episodes`, `000001.episodes`, ... read in that order. A
segment is a sequence of records:

    b"MZEP" | u32 payload length | u32 CRC-32 of the payload | payload (`episode.to_bytes`)

Numbers are little-endian. An episode is appended by one write and one fsync, so a process that is
killed leaves at most a torn last record. A writer never touches an old segment, it begins a new one.
A reader that meets a damaged record goes on at the next whole one, and says how much it left out.
"""

import io
import logging
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from muzero_rc.experience.episode import Episode, EpisodeFormatError, from_bytes, to_bytes

log = logging.getLogger(__name__)

_MAGIC = b"MZEP"
_HEADER = struct.Struct("<4sII")
_SUFFIX = ".episodes"
_SEGMENT_BYTES = 64 << 20


class EpisodeWriter:
    """Appends to a log; every `append` is on disk when it returns."""

    def __init__(self, folder: Path, *, segment_bytes: int = _SEGMENT_BYTES) -> None:
        """Args: folder: the log, made if missing; segment_bytes: when to begin another segment."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._file: io.FileIO | None = None

    def append(self, episode: Episode) -> None:
        """Writes one episode through to the disk.

        Raises:
          OSError: the disk is full, say. Nothing of the episode is kept, and a later append may succeed.
        """
        payload = to_bytes(episode)
        if self._file is None or self._file.tell() >= self._segment_bytes:
            self._file = self._next_segment()
        file, end = self._file, self._file.tell()
        try:
            _write_all(file, _HEADER.pack(_MAGIC, len(payload), zlib.crc32(payload)) + payload)
            os.fsync(file.fileno())
        except BaseException:
            self._file = None  # nothing follows what may be torn
            with file, suppress(OSError):
                file.truncate(end)
            raise

    def _next_segment(self) -> io.FileIO:
        self.close()
        number = max((int(path.stem) for path in segments(self._folder)), default=-1) + 1
        file = io.FileIO(self._folder / f"{number:06d}{_SUFFIX}", "x")
        directory = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        except OSError:
            file.close()
            raise
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


def _write_all(file: io.FileIO, data: bytes) -> None:
    """Writes all of `data`; a file without a buffer may take less at a time."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) or 0 :]


class EpisodeTail:
    """Follows a log that others may still append to; an episode's uid comes at most once.

    Attributes:
      damaged: places where something was left out.
      damaged_bytes: how much that was.
    """

    def __init__(self, folder: Path, *, live: bool = True) -> None:
        """Prepares to read.

        Args:
          folder: the log; it may come into being later.
          live: another process may be in the middle of its last record, which is then no damage.
        """
        self._live = live
        self.damaged = 0
        self.damaged_bytes = 0
        self._folder = folder
        self._offsets: dict[Path, int] = {}
        self._seen: set[str] = set()

    def new(self) -> Iterator[Episode]:
        """The whole episodes appended since the last call, in the log's order.

        What is damaged is left out, counted and logged.

        Raises:
          EpisodeFormatError: an episode of another format.
        """
        found = segments(self._folder)
        for path in found:
            for payload in self._payloads(path, ended=not self._live or path != found[-1]):
                try:
                    episode = from_bytes(payload)
                except EpisodeFormatError as error:
                    raise EpisodeFormatError(f"{path}: {error}") from None
                except ValueError:
                    self._leave_out(path, self._offsets[path], len(payload))
                    continue
                if episode.uid not in self._seen:
                    self._seen.add(episode.uid)
                    yield episode

    def _payloads(self, path: Path, *, ended: bool) -> Iterator[bytes]:
        with path.open("rb") as file:
            at = self._offsets.get(path, 0)
            while True:
                payload = _read_record(file, at)
                if payload is None:
                    whole = _next_whole_record(file, at + 1)
                    size = file.seek(0, os.SEEK_END)
                    if whole is None and ended and at < size:
                        self._leave_out(path, at, size - at)
                        self._offsets[path] = size
                    if whole is None:
                        return
                    self._leave_out(path, at, whole - at)
                    at = whole
                    continue
                at += _HEADER.size + len(payload)
                self._offsets[path] = at
                yield payload

    def _leave_out(self, path: Path, at: int, size: int) -> None:
        self.damaged += 1
        self.damaged_bytes += size
        log.warning(
            "%s: left out %d damaged bytes at %d (in this log so far: %d bytes in %d places)",
            *(path, size, at, self.damaged_bytes, self.damaged),
        )


def segments(folder: Path) -> list[Path]:
    """The segments of a log, in their order."""
    return sorted(path for path in folder.glob(f"*{_SUFFIX}") if path.stem.isdigit())


def read_log(folder: Path) -> Iterator[Episode]:
    """Every whole episode of a log, in its order, each uid once; see `EpisodeTail.new`."""
    return EpisodeTail(folder, live=False).new()


def _read_record(file: io.BufferedReader, at: int) -> bytes | None:
    """The payload of the record at a place, or None where there is no whole one."""
    file.seek(at)
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    magic, length, checksum = _HEADER.unpack(header)
    if magic != _MAGIC:
        return None
    payload = file.read(length)
    return payload if len(payload) == length and zlib.crc32(payload) == checksum else None


def _next_whole_record(file: io.BufferedReader, first: int) -> int | None:
    """The first place from `first` on where a whole record begins."""
    file.seek(first)
    rest = file.read()
    at = rest.find(_MAGIC)
    while at >= 0:
        if _read_record(file, first + at) is not None:
            return first + at
        at = rest.find(_MAGIC, at + 1)
    return None
