"""Policy export and warm start: a network's parameters into a policy file, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors

from muzero_rc.agent.networks import absolute_basis, seen_windows
from muzero_rc.config.schema import NetworkConfig
from muzero_rc.deploy.policy_file import FloatArray, PolicyFileError, read_metadata, write_policy_file
from muzero_rc.types import Params, Widths

_DEPLOYED = ("clip_", "step_", "policy_")  # module names; value heads and dynamics stay behind
_POLICY = "policy_logits"


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
      provenance: where the policy comes from; values are anything that JSON can hold.

    Raises:
      PolicyFileError: a parameter is NaN or infinite, or not part of such a network.
      OSError: the file cannot be written.
    """
    tensors = deployed_tensors(params, config)
    write_policy_file(path, tensors, _metadata(config, widths, feature_version), provenance)


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
    """Flat name ("module.parameter") to f4 array of every parameter that the C runtime needs.

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


def warm_start(
    params: Params, path: Path, config: NetworkConfig, widths: Widths, feature_version: int
) -> Params:
    """`params` with the policy file's parameters in place of their own; the rest stays as it is.

    Raises:
      PolicyFileError: not a policy file, or one of another network.
      OSError: the file cannot be read.
    """
    metadata = read_metadata(path)
    expected = _metadata(config, widths, feature_version)
    del expected["decision"]  # how logits are read, not what they are
    for key, value in expected.items():
        if metadata[key] != value:
            raise PolicyFileError(f"{path}: its {key} is {metadata[key]}, this run's is {value}")
    tensors = _read_tensors(path)
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


def _metadata(config: NetworkConfig, widths: Widths, feature_version: int) -> dict[str, Any]:
    return {
        "feature_version": feature_version,
        "network": network_sizes(config, widths),
        "actions": list(config.actions),
        "action_mode": config.action_mode,
        "decision": config.decision,
    }


def _read_tensors(path: Path) -> dict[str, FloatArray]:
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        raise PolicyFileError(f"{path}: not a policy file: {error}") from None
