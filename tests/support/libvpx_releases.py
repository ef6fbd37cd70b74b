"""The releases of libvpx that tests run against: the system's, and those that `make test-libvpx` fetches."""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from encoder_bridge import _native

CACHE = Path(
    os.environ.get("MUZERO_RC_TEST_LIBVPX")
    or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "muzero-rc" / "libvpx"
)
VERSIONS = ("1.12.0", "1.14.0", "1.15.0", "1.15.2", "1.16.0", "1.17.0")


@dataclass(frozen=True)
class Libvpx:
    """A release at work.

    Attributes:
        version: as "1.12.0".
        path: its file.
        by_index: it tells a frame's place in its GOP only, and no error.
        own_factors: it has rate-distortion factors of its own for each superblock, as external rate
            control leaves them alone: up to 1.15.
    """

    version: str
    path: str

    @property
    def number(self) -> tuple[int, ...]:
        return tuple(map(int, self.version.split(".")))

    @property
    def by_index(self) -> bool:
        return self.number >= (1, 15)

    @property
    def own_factors(self) -> bool:
        return self.number < (1, 16)


@cache
def system() -> Libvpx:
    """The one that is found here, asked before another is opened: the loader would then find that."""
    versions = _native.versions()
    return Libvpx(str(versions["libvpx_runtime"]), str(versions["libvpx_path"]))
