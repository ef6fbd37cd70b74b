"""Policy files: .safetensors with the tensors that choosing a qindex needs, and texts that say how.

A policy decides qindexes (a "network") or GOP shapes ("shapes": the controller then decides qindexes).
native/policy_file/metadata.h lists the texts. Format version 2 has one key for every size and for every
item of the provenance; version 1 had JSON objects within three texts, and is still read. Needs numpy alone.
"""

import json
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from encoder_bridge.atomic_file import whole_file
from encoder_bridge.errors import UserError
from muzero_rc.utils.file_hash import file_sha256

FORMAT = "muzero-rc-policy"
FORMAT_VERSION = 2

_LENGTH = struct.Struct("<Q")
_LONGEST_HEADER = 1 << 20
_NETWORK = "network."
_SHAPES = "shapes."
MOVE = "offsets."
"""Begins the names of tensors that move a constant of the controller (native/policy/offset_moves.h)."""
_PROVENANCE = "provenance."

FloatArray: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]


class PolicyFileError(UserError):
    """A policy file, or parameters for one, that cannot be used; the message says why."""


def write_policy_file(
    path: Path, tensors: Mapping[str, FloatArray], metadata: Mapping[str, Any], provenance: Mapping[str, Any]
) -> None:
    """Writes a policy file; it appears under its name only when it is whole.

    The same arguments give the same bytes, which the safetensors library does not promise.

    Args:
      path: usually ends in .safetensors.
      tensors: finite numbers, by name.
      metadata: "feature_version", and "shapes" (sizes by name), or "network" (sizes by name), "actions",
        "action_mode", "decision", or nothing else where all tensors are moves.
      provenance: where the policy comes from; values are anything that JSON can hold.

    Raises:
      PolicyFileError: a name in `provenance` is not plain.
      ValueError: `provenance` holds NaN or infinity.
      TypeError: `provenance` holds what JSON cannot.
      OSError: the file cannot be written; what was there before still is.
    """
    header: dict[str, Any] = {"__metadata__": _texts(metadata, provenance)}
    blobs = []
    at = 0
    for name in sorted(tensors):
        blob = tensors[name].astype("<f4").tobytes()
        offsets = [at, at + len(blob)]
        header[name] = {"dtype": "F32", "shape": list(tensors[name].shape), "data_offsets": offsets}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with whole_file(path) as temporary:
        temporary.write_bytes(_LENGTH.pack(len(text)) + text + b"".join(blobs))


def read_metadata(path: Path) -> dict[str, Any]:
    """A policy file's metadata.

    Returns:
      "format_version", "feature_version": int; "provenance": dict. Of GOP shapes "shapes": sizes by name; of
      a network "network": sizes by name, "windows" a list; "actions": list of int; "action_mode",
      "decision": str. Of moves of the controller's constants alone, none of these.

    Raises:
      PolicyFileError: not a policy file.
      OSError: the file cannot be read.
    """
    header = _header(path)
    texts = header.get("__metadata__", {})
    if texts.get("format") != FORMAT or texts.get("format_version") not in ("1", "2"):
        raise PolicyFileError(f"{path}: not a policy file of format version 1 or {FORMAT_VERSION}")
    try:
        numbers = {name: int(texts[name]) for name in ("format_version", "feature_version")}
        shapes = _members(texts, _SHAPES)
        if shapes:
            sizes = {name: int(size) for name, size in shapes.items()}
            return {**numbers, "shapes": sizes, "provenance": _provenance(texts)}
        if any(name.startswith(MOVE) for name in header):
            return {**numbers, "provenance": _provenance(texts)}
        parsed = _parse_1(texts) if texts["format_version"] == "1" else _parse_2(texts)
        named = {name: texts[name] for name in ("action_mode", "decision")}
    except (KeyError, ValueError) as error:
        raise PolicyFileError(f"{path}: not a policy file: its metadata lacks or spoils {error}") from None
    return {**numbers, **named, **parsed}


def describe(path: Path) -> dict[str, Any]:
    """What a policy file says of itself beyond what runs: format_version, sha256 and provenance.

    Raises:
      PolicyFileError: not a policy file.
      OSError: the file cannot be read.
    """
    metadata = read_metadata(path)
    return {
        "format_version": metadata["format_version"],
        "sha256": file_sha256(path),
        "provenance": metadata["provenance"],
    }


def _header(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        start = file.read(_LENGTH.size)
        length = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else 0
        text = file.read(min(length, _LONGEST_HEADER))
    try:
        header = json.loads(text)
    except ValueError:
        header = None
    if not isinstance(header, dict) or not isinstance(header.get("__metadata__", {}), dict):
        raise PolicyFileError(f"{path}: not a policy file: its header is no JSON object")
    return header


def _texts(metadata: Mapping[str, Any], provenance: Mapping[str, Any]) -> dict[str, str]:
    for name in provenance:
        if not re.fullmatch(r"[A-Za-z0-9_. -]+", name):
            raise PolicyFileError(f"provenance {name!r}: names are of ASCII letters, digits, spaces and _.-")
    origin = {f"{_PROVENANCE}{name}": _item(value) for name, value in provenance.items()}
    return {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "feature_version": str(metadata["feature_version"]),
        **_what_runs(metadata),
        **origin,
    }


def _what_runs(metadata: Mapping[str, Any]) -> dict[str, str]:
    if "shapes" in metadata:
        return {f"{_SHAPES}{name}": _numbers(size) for name, size in metadata["shapes"].items()}
    if "network" not in metadata:
        return {}
    return {
        **{f"{_NETWORK}{name}": _numbers(size) for name, size in metadata["network"].items()},
        "actions": _numbers(metadata["actions"]),
        "action_mode": metadata["action_mode"],
        "decision": metadata["decision"],
    }


def _numbers(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _item(value: Any) -> str:
    """JSON; a text that is none stands for itself."""
    plain = isinstance(value, str) and _parse_item(value) == value
    return value if plain else json.dumps(value, allow_nan=False)


def _parse_item(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _members(texts: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): text for key, text in texts.items() if key.startswith(prefix)}


def _parse_1(texts: Mapping[str, str]) -> dict[str, Any]:
    return {name: json.loads(texts[name]) for name in ("network", "actions", "provenance")}


def _parse_2(texts: Mapping[str, str]) -> dict[str, Any]:
    network: dict[str, Any] = _members(texts, _NETWORK)
    windows = [int(window) for window in network.pop("windows").split()]
    return {
        "network": {**{name: int(size) for name, size in network.items()}, "windows": windows},
        "actions": [int(action) for action in texts["actions"].split()],
        "provenance": _provenance(texts),
    }


def _provenance(texts: Mapping[str, str]) -> dict[str, Any]:
    return {name: _parse_item(text) for name, text in _members(texts, _PROVENANCE).items()}
