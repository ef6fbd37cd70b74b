"""Encodes kept on disk, one JSON file each, as soon as they exist."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from encoder_bridge.atomic_file import write_text
from muzero_rc.evaluation.results import MeasuredEncode

_FORMAT = "muzero-rc encode 2"
"""Counts up when what is measured, or how, changes: older entries are then made again."""


def store_key(parts: Mapping[str, str]) -> str:
    """Names an encode by everything that it depends on."""
    text = json.dumps({"format": _FORMAT, **parts}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


class ResultCache:
    """A folder of encodes. Entries appear whole; one that cannot be read counts as missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, key: str) -> MeasuredEncode | None:
        """The encode of this name, None when there is none."""
        try:
            entry = json.loads(self._path(key).read_text(encoding="utf-8"))
            return MeasuredEncode.from_json(entry["encode"]) if entry["format"] == _FORMAT else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, key: str, encode: MeasuredEncode, made_from: Mapping[str, str]) -> None:
        """Keeps an encode, with what it was made from for people who look; makes the folder if needed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        entry = {"format": _FORMAT, "made_from": dict(made_from), "encode": encode.to_json()}
        write_text(self._path(key), json.dumps(entry, allow_nan=False) + "\n")

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"
