"""From parameters to a policy file, and back.

A policy file is .safetensors: the tensors that choosing a qindex needs, under flat names
("module.parameter"), and texts that say how to use them; native/policy/policy_file.h has the list.
The same parameters and texts give the same bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import safetensors

from encoder_bridge.atomic_file import whole_file
from encoder_bridge.errors import UserError
from muzero_rc.agent.networks import absolute_basis, seen_windows
from muzero_rc.config.schema import NetworkConfig
from muzero_rc.types import Params, Widths

FORMAT = "muzero-rc-policy"
FORMAT_VERSION = 1

_DEPLOYED = ("clip_", "step_", "policy_")  # module names; value heads and dynamics stay behind
_POLICY = "policy_logits"

FloatArray: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]


class PolicyFileError(UserError):
    """A policy file, or parameters for one, that cannot be used; the message says why."""


def export_policy(
    path: Path,
    params: Params,
    config: NetworkConfig,
    widths: Widths,
    feature_version: int,
    provenance: Mapping[str, Any],
) -> None:
    """Writes a policy file; it appears under its name only when it is whole.

    Args:
      path: usually ends in .safetensors.
      params: of `make_networks(config, widths)`.
      config: sizes, actions and decision rule.
      widths: of the feature table that the policy was trained with.
      feature_version: that table's version, `_native.versions()["feature_version"]`.
      provenance: where the policy comes from; anything that JSON can hold.

    Raises:
      PolicyFileError: a parameter is NaN or infinite, or not part of such a network.
      OSError: the file cannot be written.
    """
    metadata = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "feature_version": str(feature_version),
        "network": json.dumps(network_sizes(config, widths)),
        "actions": json.dumps(list(config.actions)),
        "action_mode": config.action_mode,
        "decision": config.decision,
        "provenance": json.dumps(dict(provenance), allow_nan=False),
    }
    content = _serialise(deployed_tensors(params, config), metadata)
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def network_sizes(config: NetworkConfig, widths: Widths) -> dict[str, Any]:
    """The metadata "network": what the C runtime must know to run it."""
    return {
        "clip_features": widths.clip,
        "frame_features": widths.frame,
        "step_features": widths.step,
        "width": config.width,
        "encoder_layers": config.encoder_layers if config.look_ahead else 0,
        "step_blocks": config.step_blocks,
        "latents": config.latents,
        "attention_heads": config.attention_heads,
        "kernel": config.kernel,
        "windows": list(seen_windows(config)),
    }


def deployed_tensors(params: Params, config: NetworkConfig) -> dict[str, FloatArray]:
    """Flat name to f4 array of every parameter that the C runtime needs.

    Absolute logits are linear in their basis functions: the product is exported.
    """
    tensors = {}
    for module, parameters in params.items():
        if not module.startswith(_DEPLOYED):
            continue
        for name, values in parameters.items():
            array = np.asarray(values, np.float32)
            if module == _POLICY and config.action_mode == "absolute":
                array = array @ absolute_basis(config)
            if not np.isfinite(array).all():
                raise PolicyFileError(f"parameter {module}.{name} is NaN or infinite: nothing was exported")
            tensors[f"{module}.{name}"] = array
    return tensors


def read_metadata(path: Path) -> dict[str, Any]:
    """A policy file's texts, with "network", "actions" and "provenance" parsed.

    Raises:
      PolicyFileError: not a policy file.
      OSError: the file cannot be read.
    """
    return _read(path)[0]


def warm_start(
    params: Params, path: Path, config: NetworkConfig, widths: Widths, feature_version: int
) -> Params:
    """`params` with the policy file's parameters in place of their own; the rest stays as it is.

    Raises:
      PolicyFileError: not a policy file, or one of another network.
      OSError: the file cannot be read.
    """
    metadata, tensors = _read(path)
    expected: dict[str, Any] = {
        "feature_version": str(feature_version),
        "network": network_sizes(config, widths),
        "action_mode": config.action_mode,
        "actions": list(config.actions),
    }
    for key, value in expected.items():
        if metadata.get(key) != value:
            raise PolicyFileError(f"{path}: its {key} is {metadata.get(key)}, this run's is {value}")
    if config.action_mode == "absolute":
        fold = np.linalg.pinv(absolute_basis(config))
        for name in (f"{_POLICY}.w", f"{_POLICY}.b"):
            tensors[name] = np.asarray(tensors[name] @ fold, np.float32)
    started = {module: dict(parameters) for module, parameters in params.items()}
    for name, array in tensors.items():
        module, _, parameter = name.rpartition(".")
        if np.shape(started.get(module, {}).get(parameter, ())) != array.shape:
            raise PolicyFileError(f"{path}: tensor {name} does not fit this network")
        started[module][parameter] = array
    return started


def _serialise(tensors: Mapping[str, FloatArray], metadata: Mapping[str, str]) -> bytes:
    """A .safetensors file; unlike the library's, in one fixed order."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
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
    return struct.pack("<Q", len(text)) + text + b"".join(blobs)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, FloatArray]]:
    with path.open("rb"):  # a missing file is an OSError, not the library's own error
        pass
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata: dict[str, Any] = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        raise PolicyFileError(f"{path}: not a policy file: {error}") from None
    if metadata.get("format") != FORMAT or metadata.get("format_version") != str(FORMAT_VERSION):
        raise PolicyFileError(f"{path}: not a policy file of format version {FORMAT_VERSION}")
    try:
        for key in ("network", "actions", "provenance"):
            metadata[key] = json.loads(metadata[key])
    except (KeyError, json.JSONDecodeError):
        raise PolicyFileError(
            f"{path}: not a policy file: its metadata {key} is missing or no JSON"
        ) from None
    return metadata, tensors
