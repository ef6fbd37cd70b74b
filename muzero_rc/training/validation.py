"""Validation: how good a policy file is on clips that are never trained on, run by the C runtime."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge.encode.batch import BatchResult, Job
from muzero_rc.config.schema import Config
from muzero_rc.corpus.cache_key import digest
from muzero_rc.corpus.instances import Instance
from muzero_rc.corpus.ladder import LadderError, read_ladder
from muzero_rc.deploy.policy_names import CONTROLLER
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.evaluation.bd_rate import RatePoint
from muzero_rc.evaluation.rate_controls import LIBVPX_VBR
from muzero_rc.evaluation.statistics import bd_rates, summarise, summarise_budget
from muzero_rc.utils.checked_json import read_checked, write_checked
from muzero_rc.utils.file_hash import file_sha256

VBR = LIBVPX_VBR


@dataclass(frozen=True)
class Trial:
    """A clip at a target."""

    instance: Instance
    target_kbps: int


Points = dict[str, list[tuple[int, float, float]]]
"""By instance: (target_kbps, rate_kbps, quality by the objective in dB) of each trial."""


class Validation:
    """The validation clips at their targets; baselines are encoded once and kept."""

    def __init__(self, store: ClipStore, instances: Sequence[Instance], config: Config, cache: Path) -> None:
        """Args: instances: prepared; cache: where the baselines' figures are kept."""
        self._store = store
        self._cache = cache
        self.trials = [
            Trial(instance, target)
            for instance in instances
            for target in targets_of(store, instance, config.validation.targets)
        ]

    def baseline(self, rate_control: str) -> Points:
        """Figures of VBR or CONTROLLER, from the cache where they hold."""
        path = self._cache / f"validation-{self._baseline_key(rate_control)}.json"
        kept = read_checked(path)
        if kept is not None:
            return {name: [(t, r, p) for t, r, p in points] for name, points in kept["points"].items()}
        if rate_control == VBR:
            points = self._run(mode="libvpx")
        else:
            points = self._run(mode="policy", policy=self._store.engine.policy(CONTROLLER))
        if sum(len(of_clip) for of_clip in points.values()) == len(self.trials):  # else tried again next time
            write_checked(path, {"rate_control": rate_control, "points": points})
        return points

    def measure(self, policy_file: Path) -> dict[str, float]:
        """Runs a policy file; figures to log, BD-rates in per cent."""
        policy = self._store.engine.policy(str(policy_file))
        return figures(self._store, self._run(mode="policy", policy=policy), self.baseline(VBR))

    def baselines(self) -> dict[str, dict[str, float]]:
        """The same figures of VBR itself and of the controller."""
        vbr = self.baseline(VBR)
        return {name: figures(self._store, self.baseline(name), vbr) for name in (VBR, CONTROLLER)}

    def _run(self, **how: Any) -> Points:
        jobs = (
            self._store.job(f"{t.instance.name} {t.target_kbps}k", t.instance, t.target_kbps, extra=t, **how)
            for t in self.trials
        )
        points: Points = {}
        for done in self._store.play(jobs):
            if done.error:
                self._store.fail(done.job.name, done.error)
            else:
                points.setdefault(done.job.extra.instance.name, []).append(_point(done.job, done))
        return {name: sorted(of_clip) for name, of_clip in points.items()}

    def _baseline_key(self, rate_control: str) -> str:
        """Names a baseline by frames, settings and libvpx; the controller's by its extension too."""
        store, native = self._store, self._store.engine.native
        encodes = [
            (one.instance.name, store.raw_clip(one.instance).key, self._settings_key(one))
            for one in self.trials
        ]
        extension = file_sha256(Path(native.__file__)) if rate_control == CONTROLLER else ""
        libvpx = native.versions()["libvpx_runtime"]
        return digest(rate_control, libvpx, extension, *encodes, *store.measured_by)

    def _settings_key(self, trial: Trial) -> str:
        return self._store.settings(trial.instance, trial.target_kbps).settings_key()


def targets_of(store: ClipStore, instance: Instance, count: int) -> list[int]:
    """The clip's targets in the ladder beside it; without one, spread over its anchor curve."""
    pyramid = store.config.encode.auto_alt_ref > 1
    folder = instance.paths[0].parent if instance.paths else Path()
    try:
        ladder = read_ladder(folder / ("ladder-pyramid.csv" if pyramid else "ladder.csv"))
        return list(ladder[instance.clip].targets_kbps[:count])
    except (LadderError, KeyError):
        rates = store.anchor(instance).rates_kbps
        spread = np.geomspace(rates[0], rates[-1], count)
        return sorted({max(1, round(float(rate))) for rate in spread})


def figures(store: ClipStore, points: Points, vbr: Points) -> dict[str, float]:
    """BD-rate to VBR and to constant quality, and how the budget was kept; NaN where there is none.

    BD-rates are in per cent, shares and overshoot from 0 on, where 0.01 is 1 %.
    """
    curves, anchors = _curves(points), {name: _anchor_curve(store, name) for name in points}
    to_vbr = summarise(bd_rates(_curves(vbr), curves, points).values())
    to_quality = summarise(bd_rates(anchors, curves, points).values())
    budget = summarise_budget([rate / target for of_clip in points.values() for target, rate, _ in of_clip])
    return {
        "bd_vbr": _or_nan(to_vbr.mean),
        "bd_vbr_low": _or_nan(to_vbr.low),
        "bd_vbr_high": _or_nan(to_vbr.high),
        "bd_vbr_median": _or_nan(to_vbr.median),
        "bd_quality": _or_nan(to_quality.mean),
        "worse_clips": to_vbr.worse,
        "clips": to_vbr.clips,
        "over": budget.over_1 if budget else math.nan,
        "over_5": budget.over_5 if budget else math.nan,
        "worst_over": budget.worst_percent / 100 if budget else math.nan,
        "fill": budget.mean_fill if budget else math.nan,
    }


def _curves(points: Points) -> dict[str, list[RatePoint]]:
    return {name: [RatePoint(rate, psnr) for _, rate, psnr in of_clip] for name, of_clip in points.items()}


def _anchor_curve(store: ClipStore, name: str) -> list[RatePoint]:
    anchor = store.anchor(name)
    return [RatePoint(*point) for point in zip(anchor.rates_kbps, anchor.psnr_y_db, strict=True)]


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _point(job: Job, done: BatchResult) -> tuple[int, float, float]:
    return job.extra.target_kbps, done.result.kbps, done.quality_db
