"""Reads and writes configurations: TOML files and `--set a.b=c`.

A file says only what it changes. Unknown keys and wrong types are errors of one
line that name the key.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from muzero_rc.config.ranges import ConfigError, require
from muzero_rc.config.schema import Config


def load_config(path: Path | str, overrides: Iterable[str] = ()) -> Config:
    """Loads the config of a TOML file, changed by `a.b=c` overrides.

    Raises:
        ConfigError: an unknown key, a wrong type, a value out of range, broken TOML.
        OSError: the file cannot be read.
    """
    try:
        config = parse_config(Path(path).read_bytes().decode())
    except (ConfigError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    return override(config, overrides)


def parse_config(text: str) -> Config:
    """Parses the config of a TOML text.

    Raises:
        ConfigError: an unknown key, a wrong type, a value out of range, broken TOML.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not TOML: {error}") from None
    config: Config = _build(Config, values, "")
    return config


def override(config: Config, overrides: Iterable[str]) -> Config:
    """Applies `a.b=c` assignments in order; c is a TOML value or a bare word.

    Raises:
        ConfigError: an unknown key, a wrong type, a value out of range.
    """
    values = dataclasses.asdict(config)
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--set {text}: write it as section.key=value")
        *sections, name = key.strip().split(".")
        target: Any = values
        for section in sections:
            target = target.get(section) if isinstance(target, dict) else None
        if not isinstance(target, dict):
            raise ConfigError(f"{key.strip()}: unknown key")
        target[name] = _parse_value(value.strip())
    result: Config = _build(Config, values, "")
    return result


def dump_config(config: Config) -> str:
    """Formats the whole config as TOML; `load_config` reads it back to an equal one."""
    values = dataclasses.asdict(config)
    lines = [f"{key} = {_toml(value)}" for key, value in values.items() if not isinstance(value, dict)]
    for section, entries in values.items():
        if isinstance(entries, dict):
            lines += ["", f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in entries.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, float):
        return repr(value)
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _parse_value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


_RENAMED = {
    "teacher": "demonstrations",
    "demonstrations.varied": "demonstrations.randomised",
    "demonstrations.augmented_varied": "demonstrations.augmented_randomised",
    "demonstrations.scanned": "demonstrations.swept",
    "demonstrations.scan_targets": "demonstrations.sweep_targets",
    "replay.teacher_share": "replay.demonstration_share",
}
"""Keys of older configs, for the hint alone."""


def _build(kind: type[Any], values: Mapping[str, object], prefix: str) -> Any:
    """Builds a dataclass of type `kind` from nested mappings."""
    hints = typing.get_type_hints(kind)
    arguments = {}
    for key, value in values.items():
        if key not in hints:
            near = [f"{prefix}{name}" for name in difflib.get_close_matches(key, hints, n=1)]
            meant = _RENAMED.get(f"{prefix}{key}", near[0] if near else "")
            hint_text = f"; did you mean {meant}?" if meant else ""
            raise ConfigError(f"{prefix}{key}: unknown key{hint_text}")
        hint = hints[key]
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{prefix}{key} = {value!r}: must be a table of keys")
            arguments[key] = _build(typing.cast(type[Any], hint), value, f"{prefix}{key}.")
        else:
            arguments[key] = _convert(hint, value, f"{prefix}{key}")
    return kind(**arguments)


def _convert(hint: Any, value: object, key: str) -> object:
    """Converts `value` to the type `hint`: bool, int, float, str, Literal, or a tuple of one of them."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        require(value in arguments, key, value, "one of " + ", ".join(map(repr, arguments)))
        return value
    if origin is types.UnionType:  # `str | None` and the like: None cannot be written in TOML
        return None if value is None else _convert(arguments[0], value, key)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{key} = {value!r}: must be a list")
        return tuple(_convert(arguments[0], item, key) for item in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    require(type(value) is hint, key, value, names[hint])
    return value
