"""First-pass cache: libvpx's statistics on disk, by video content and the settings that they depend on.

One file per entry: a magic line, 32 bytes of BLAKE2b of the rest, libvpx's blob. An entry that
does not fit its checksum is made again; a cache that cannot be written is done without.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from encoder_bridge import _native
from encoder_bridge.atomic_file import write_bytes
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.errors import BadInput
from encoder_bridge.media.decode import content_digest
from encoder_bridge.media.probe import VideoFile

_MAGIC = b"muzero-rc first pass 1\n"
_CHECK_BYTES = 32


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/muzero-rc`, by default under `~/.cache`."""
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "muzero-rc"


def first_pass_key(clip: VideoFile, config: EncoderConfig) -> str:
    """Names a clip's first pass: content, frames, settings, libvpx."""
    parts = (
        clip.digest or content_digest(clip.path),
        f"stream {clip.stream} of {clip.width}x{clip.height} at {clip.fps}, first {clip.max_frames}",
        config.first_pass_key() + (" full range" if clip.color.full_range else ""),
        str(_native.versions()["libvpx_runtime"]),
    )
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=20).hexdigest()


def load(folder: Path, key: str) -> bytes | None:
    """The entry's blob, or None when there is none that is whole."""
    try:
        entry = _entry(folder, key).read_bytes()
    except OSError:
        return None
    check, blob = entry[len(_MAGIC) : len(_MAGIC) + _CHECK_BYTES], entry[len(_MAGIC) + _CHECK_BYTES :]
    whole = entry.startswith(_MAGIC) and blob and check == _checksum(blob)
    return blob if whole else None


def store(folder: Path, key: str, blob: bytes) -> None:
    """Writes an entry, whole or not at all; a full disk or a closed folder is no error."""
    path = _entry(folder, key)
    with suppress(OSError, BadInput):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, _MAGIC + _checksum(blob) + blob)


def _entry(folder: Path, key: str) -> Path:
    return folder / "first-pass" / f"{key}.bin"


def _checksum(blob: bytes) -> bytes:
    return hashlib.blake2b(blob, digest_size=_CHECK_BYTES).digest()
