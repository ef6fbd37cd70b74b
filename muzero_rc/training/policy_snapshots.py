"""Policy snapshots of a run: export, provenance, and which is the newest and which the best."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge.media.decode import content_digest
from muzero_rc.agent.learner import TrainingState
from muzero_rc.config.schema import Config
from muzero_rc.corpus.cache_key import digest
from muzero_rc.deploy.policy_export import export_policy
from muzero_rc.deploy.policy_file import read_metadata
from muzero_rc.encoding.engine import Engine
from muzero_rc.training.run_dir import RunDir, replace_link


def provenance(corpus: Path, clips: list[Path], engine: Engine) -> dict[str, Any]:
    """Provenance of a run and its policies: corpus, feature version, version of libvpx."""
    names = [(path.name, content_digest(path)) for path in clips]
    return {
        "corpus": corpus.name,
        "corpus_hash": digest(names),
        "clips": len(clips),
        "feature_version": feature_version(engine),
        "libvpx_runtime": engine.libvpx,
    }


def feature_version(engine: Engine) -> int:
    """Version of the feature table that the engine fills."""
    return int(engine.native.versions()["feature_version"])


def export_snapshot(
    run: RunDir, state: TrainingState, config: Config, engine: Engine, figures: Mapping[str, float]
) -> Path:
    """Exports the averaged weights as a policy file, and points `latest.safetensors` at it."""
    path = run.policies / f"step-{int(state.step):07d}.safetensors"
    finite = {key: round(float(value), 5) for key, value in figures.items() if np.isfinite(value)}
    notes = {**run.note(), "config_hash": run.config_hash, "step": int(state.step), "figures": finite}
    export_policy(path, state.average, config.network, engine.widths, feature_version(engine), notes)
    replace_link(run.policies / "latest.safetensors", path)
    return path


def is_better(measured: Mapping[str, float], best: Mapping[str, float] | None) -> bool:
    """Compares BD-rate and the budget kept: one per cent more encodes over cost 0.2 % BD-rate."""

    def cost(figures: Mapping[str, float]) -> float:
        return figures["bd_vbr"] + 20.0 * figures["over"]

    return best is None or not np.isfinite(cost(best)) or cost(measured) < cost(best)


def best_figures(path: Path) -> Mapping[str, float] | None:
    """Reads the validation figures out of a policy file; None where it is missing or has none."""
    if not path.exists():
        return None
    figures = read_metadata(path)["provenance"].get("figures", {})
    return figures if {"bd_vbr", "over"} <= figures.keys() else None
