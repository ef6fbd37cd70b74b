"""Measured encodes kept on disk, one JSON file each, as soon as they exist.

An entry carries a checksum of what it says and of what it was made from. Whatever does not hold (cut short,
a changed number, another entry's file) counts as missing, so that the encode is made again.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from encoder_bridge.atomic_file import write_text
from muzero_rc.evaluation.results import MeasuredEncode

_FORMAT = "muzero-rc encode 3"
"""Counts up when what is measured, or how, changes: older entries are then made again."""


def cache_key(made_from: Mapping[str, str]) -> str:
    """Names an encode by everything that it depends on."""
    return _sha256({"format": _FORMAT, **made_from})[:40]


class ResultCache:
    """A folder of measured encodes; entries appear whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: str) -> MeasuredEncode | None:
        """The encode of this name; None when there is none, or none that holds."""
        try:
            entry = json.loads(self._path(key).read_text(encoding="utf-8"))
            made_from, encode = entry["made_from"], entry["encode"]
            if entry["sha256"] != _sha256([made_from, encode]) or key != cache_key(made_from):
                return None
            return MeasuredEncode.from_json(encode)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def save(self, key: str, encode: MeasuredEncode, made_from: Mapping[str, str]) -> None:
        """Keeps an encode, with what it was made from; makes the folder if it is missing."""
        self._folder.mkdir(parents=True, exist_ok=True)
        content = {"made_from": dict(made_from), "encode": encode.to_json()}
        entry = {"sha256": _sha256(list(content.values())), **content}
        write_text(self._path(key), json.dumps(entry, allow_nan=False) + "\n")

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"


def _sha256(value: Any) -> str:
    """Of a value's JSON, with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()
