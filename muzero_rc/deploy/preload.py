"""The preload library: where it is installed, a program's environment under it, a policy's speed."""

import ctypes
import importlib.util
import os
import shutil
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encoder_bridge.errors import UserError

PRELOAD = "libmuzero_rc_preload.so"
LIBRARY = "libmuzero_rc.so"
STRICT = "MUZERO_RC_STRICT"
POLICY = "MUZERO_RC_POLICY"
_PROGRAM = "MUZERO_RC_PROGRAM"
_ELF_CLASS = 2 if struct.calcsize("P") == 8 else 1
_PT_INTERP = 3


class PluginError(UserError):
    """The plugin cannot do what was asked; the message says why and what to do."""


@dataclass(frozen=True)
class Places:
    """Where the parts of the plugin are installed.

    Attributes:
        preload: what LD_PRELOAD takes.
        library: what programs of one's own link.
        include: the folder that holds muzero_rc/plugin.h.
        pkgconfig: the folder for PKG_CONFIG_PATH.
    """

    preload: Path
    library: Path
    include: Path
    pkgconfig: Path


@dataclass(frozen=True)
class Speed:
    """What `muzero_rc_policy_speed` measured."""

    open_us: float
    """Opening a clip, per frame."""
    median_us: float
    """Of one decision, features and bookkeeping included."""
    p99_us: float


def find_places() -> Places:
    """The installed plugin.

    Raises:
        PluginError: it is not there.
    """
    folders = [Path(__file__).parents[1]]
    # With an editable install the compiled parts are elsewhere than the sources.
    native = importlib.util.find_spec("encoder_bridge._native")
    if native is not None and native.origin:
        folders.append(Path(native.origin).parent.parent / "muzero_rc")
    for folder in folders:
        lib = folder / "lib"
        if (lib / PRELOAD).is_file():
            return Places(lib / PRELOAD, lib / LIBRARY, folder / "include", lib / "pkgconfig")
    raise PluginError(f"{PRELOAD} is not installed: reinstall muzero-rc (looked in {folders[-1] / 'lib'})")


def preload_environment(
    places: Places, policy: str, environment: Mapping[str, str], *, strict: bool = False
) -> dict[str, str]:
    """`environment` for a program that this process becomes, with the plugin in it.

    Args:
        places: from `find_places`.
        policy: "controller", "libvpx" or a policy file's path.
        environment: what the program would have otherwise.
        strict: refuse encodes that the policy should have had and cannot.

    Raises:
        PluginError: LD_PRELOAD cannot hold the library's path.
    """
    preload = str(places.preload)
    if any(character in preload for character in " :"):
        raise PluginError(f"{preload} has a space or colon, which LD_PRELOAD cannot hold: install elsewhere")
    before = environment.get("LD_PRELOAD")
    changes = {"LD_PRELOAD": f"{preload}:{before}" if before else preload, POLICY: policy}
    changes[_PROGRAM] = str(os.getpid())
    if strict:
        changes[STRICT] = "1"
    return {**environment, **changes}


def find_program(name: str, search_path: str | None = None) -> Path:
    """The file that `name` runs.

    Raises:
        PluginError: there is none.
    """
    found = shutil.which(name, path=search_path)
    if found is None:
        raise PluginError(f"{name}: no such program")
    return Path(found)


def why_unreachable(program: Path) -> str | None:
    """Why a preload library cannot get into `program`; None when it can, as far as its file tells."""
    with program.open("rb") as file:
        head = file.read(64)
        if len(head) < 52 or head[:4] != b"\x7fELF":
            return None  # a script: its interpreter counts
        if head[4] != _ELF_CLASS:
            return "is built for another kind of machine than muzero-rc"
        order = "<" if head[5] == 1 else ">"
        wide = head[4] == 2
        offset = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, 32 if wide else 28)[0]
        entry_bytes, entries = struct.unpack_from(f"{order}HH", head, 54 if wide else 42)
        file.seek(offset)
        table = file.read(entry_bytes * entries)
    starts = range(0, len(table) - 3, max(entry_bytes, 4))
    if any(struct.unpack_from(f"{order}I", table, start)[0] == _PT_INTERP for start in starts):
        return None
    return "is statically linked: it has its libvpx inside, where nothing can be wrapped"


def is_strict(environment: Mapping[str, str]) -> bool:
    """Whether MUZERO_RC_STRICT is set, as the preload library reads it."""
    return environment.get(STRICT, "") not in ("", "0")


class _CSpeed(ctypes.Structure):
    """muzero_rc_speed of muzero_rc/plugin.h."""

    _fields_ = [(name, ctypes.c_double) for name in ("open_us", "median_us", "p99_us")]


def measure_speed(library: Path, policy: str, frames: int = 2000) -> Speed:
    """Times `policy` on this machine, over a made-up clip, in the library that programs link.

    Raises:
        PluginError: the policy cannot be opened.
    """
    c: Any = ctypes.CDLL(str(library))
    opened, error, speed = ctypes.c_void_p(), ctypes.create_string_buffer(512), _CSpeed()
    if c.muzero_rc_policy_open(os.fsencode(policy), ctypes.byref(opened), error, len(error)):
        raise PluginError(error.value.decode(errors="replace"))
    try:
        if c.muzero_rc_policy_speed(opened, frames, ctypes.byref(speed)):
            raise PluginError(f"policy {policy} could not be timed: out of memory")
    finally:
        c.muzero_rc_policy_close(ctypes.byref(opened))
    return Speed(speed.open_us, speed.median_us, speed.p99_us)
