"""Finished parts of a film on disk: what a killed encode has done is not done again.

One folder per film and settings in the user's cache, one file per part: a magic line, 32 bytes of BLAKE2b
of the rest, the part's arrays. A file that does not fit its checksum is made again; a folder that cannot be
written is done without.
"""

import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import IO

import numpy as np

from encoder_bridge.atomic_file import write_bytes
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass_cache import cache_folder
from encoder_bridge.encode.gop_shapes import shapes_of
from encoder_bridge.encode.layouts import as_records, as_shown
from encoder_bridge.encode.result import EncodeResult, Packet
from encoder_bridge.errors import BadInput

_MAGIC = b"muzero-rc film part 1\n"
_CHECK_BYTES = 32
_KEPT_S = 14 * 24 * 3600.0
"""A film that nobody went on with for so long is given up."""


@dataclass(frozen=True)
class PartStore:
    """The folder of one film's parts; it need not be there."""

    folder: Path

    def load(self, name: str) -> IO[bytes] | None:
        """A finished part, open; None where there is none that is whole."""
        try:
            file = self._path(name).open("rb")
        except OSError:
            return None
        with suppress(OSError):
            head = file.read(len(_MAGIC) + _CHECK_BYTES)
            digest = hashlib.blake2b(digest_size=_CHECK_BYTES)
            while block := file.read(1 << 20):
                digest.update(block)
            if head == _MAGIC + digest.digest():
                return file
        file.close()
        return None

    def store(self, name: str, data: bytes) -> IO[bytes]:
        """Keeps a finished part; gives it back, open, so that whoever removes it does no harm.

        Raises:
            OSError: there is no room for it anywhere.
        """
        entry = _MAGIC + hashlib.blake2b(data, digest_size=_CHECK_BYTES).digest() + data
        with suppress(OSError, BadInput):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_bytes(self._path(name), entry)
            return self._path(name).open("rb")
        file = tempfile.TemporaryFile(prefix="muzero-rc-")  # noqa: SIM115
        file.write(entry)
        file.flush()
        return file

    def remove(self) -> None:
        """Forgets the film: its output is there."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def remove_old(self, now_s: float) -> None:
        """Forgets films that were left behind long ago."""
        with suppress(OSError):
            for folder in self.folder.parent.iterdir():
                if folder.stat().st_mtime < now_s - _KEPT_S:
                    shutil.rmtree(folder, ignore_errors=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.part"


def store_of(key: Iterable[str], folder: Path | None = None) -> PartStore:
    """The store of the film that is named by all of `key`; `folder`: of the cache, None the user's own."""
    return PartStore((folder or cache_folder()) / "parts" / name_of(key))


def name_of(key: Iterable[str]) -> str:
    """A file name for what is named by all of `key`."""
    return hashlib.blake2b("\n".join(key).encode(), digest_size=16).hexdigest()


def as_bytes(result: EncodeResult, packets: list[Packet]) -> bytes:
    """A part's result and packets."""
    out = io.BytesIO()
    np.savez(
        out,
        records=np.frombuffer(result.records.tobytes(), np.uint8),
        shown=np.frombuffer(result.shown.tobytes(), np.uint8),
        shapes=np.array([astuple(shape) for shape in result.shapes], np.int32),
        outcome=np.frombuffer(json.dumps(result.outcome).encode(), np.uint8),
        table=np.array([(pts, key, len(data)) for pts, key, data in packets], np.int64).reshape(-1, 3),
        packets=np.frombuffer(b"".join(data for _, _, data in packets), np.uint8),
    )
    return out.getvalue()


def read(file: IO[bytes], config: EncoderConfig) -> EncodeResult:
    """A part's result with its packets, from what a store gave."""
    file.seek(len(_MAGIC) + _CHECK_BYTES)
    with np.load(io.BytesIO(file.read())) as arrays:
        table, data = arrays["table"], arrays["packets"].tobytes()
        ends = np.cumsum(table[:, 2])
        packets = tuple(
            (int(pts), int(key), data[end - size : end])
            for (pts, key, size), end in zip(table.tolist(), ends.tolist(), strict=True)
        )
        return EncodeResult(
            config,
            as_records(arrays["records"].tobytes()),
            as_shown(arrays["shown"].tobytes()),
            json.loads(arrays["outcome"].tobytes()),
            packets,
            shapes_of(arrays["shapes"].tobytes()),
        )
