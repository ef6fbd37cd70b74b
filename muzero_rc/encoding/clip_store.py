"""Where encodes are made: the pool of encoders, and what is known of every instance.

First passes, anchor curves and raw frames are made once and kept in the cache folder. An instance
that cannot be used is logged, skipped and counted; it never ends a run.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from encoder_bridge.atomic_file import whole_file, write_text
from encoder_bridge.encode.batch import BatchResult, Decide, Job, play, refuse_decisions
from encoder_bridge.encode.config import QUALITY, EncoderConfig
from encoder_bridge.encode.raw_clip import RawClip
from encoder_bridge.errors import BridgeError
from muzero_rc.agent.batch import Trace, scaled_log_bits, scaled_log_sse
from muzero_rc.config.schema import Config, encoder_settings
from muzero_rc.corpus.anchor import Anchor, anchor_of
from muzero_rc.corpus.cache_key import digest
from muzero_rc.corpus.frame_store import raw_clip_of
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.qindex_plan import (
    PlanFollower,
    QindexPlan,
    constant_plan,
    follow_plans,
    plan_of_json,
    plan_of_packets,
    plan_of_records,
)
from muzero_rc.experience.episode_log import Episode
from muzero_rc.types import Array, Widths

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Engine:
    """The encoders and the feature table: libvpx through the extension, or a fake.

    Attributes:
      native: `encoder_bridge._native`, or what has the same functions.
      event, record, shown: dtypes.
      has_quality: there is a constant-quality mode; without one, anchors use a constant qindex.
    """

    native: Any
    event: np.dtype[Any]
    record: np.dtype[Any]
    shown: np.dtype[Any]
    has_quality: bool = True

    @property
    def layouts(self) -> dict[str, Any]:
        """What `encodes.play` needs to know."""
        return {
            "event": self.event,
            "record": self.record,
            "shown": self.shown,
            "decision": self.native.EVENT_DECISION,
        }

    @property
    def widths(self) -> Widths:
        """Widths of the feature tables, kinds of frames."""
        return Widths.of(self.native)


@dataclass(frozen=True)
class QualityEncode:
    """One of the constant-quality encodes that an anchor curve goes through.

    Attributes:
      cq_level: libvpx's.
      rate_kbps, psnr_y_db: what came of it.
      plan: the qindexes that it used.
    """

    cq_level: int
    rate_kbps: float
    psnr_y_db: float
    plan: QindexPlan


def libvpx_engine() -> Engine:
    """The real encoders."""
    from encoder_bridge import _native
    from encoder_bridge.encode.layouts import EVENT, RECORD, SHOWN

    return Engine(_native, EVENT, RECORD, SHOWN)


class ClipStore:
    """A pool of encoders and the instances that it can encode; close it at the end."""

    def __init__(self, engine: Engine, config: Config, cache: Path) -> None:
        """Starts the pool's threads; `cache` is made if missing."""
        cache.mkdir(parents=True, exist_ok=True)
        self.engine = engine
        self.config = config
        self.failures: dict[str, str] = {}
        self._cache = cache
        self._pool = engine.native.Pool(config.actor.encoders)
        self._footage: dict[str, RawClip] = {}
        self._first_passes: dict[str, bytes] = {}
        self._stats: dict[str, Array] = {}
        self._anchors: dict[str, Anchor] = {}
        self.quality: dict[str, list[QualityEncode]] = {}

    def close(self) -> None:
        """Ends every encode and joins the threads."""
        self._pool.close()

    def play(
        self, jobs: Iterable[Job], decide: Decide = refuse_decisions, *, together: int = 1
    ) -> Iterator[BatchResult]:
        """Runs jobs over the pool; see `encodes.play`."""
        slots = self.config.actor.encoders
        return play(self._pool, slots, self.engine.layouts, jobs, decide, together=together)

    def footage(self, instance: Instance) -> RawClip:
        """Raw frames of an instance."""
        if instance.name not in self._footage:
            made = raw_clip_of(instance, self.config.data.max_frames, self._cache / "frames")
            self._footage[instance.name] = made
        return self._footage[instance.name]

    def settings(self, instance: Instance, target_kbps: int, **changes: int) -> EncoderConfig:
        """The encoder's settings for one encode."""
        footage = self.footage(instance)
        base = EncoderConfig(target_kbps=target_kbps, **encoder_settings(self.config.encode), **changes)
        return base.for_video(footage.width, footage.height, footage.fps)

    def job(self, name: str, instance: Instance, target_kbps: int, **rest: Any) -> Job:
        """A second pass of an instance that is `prepared`."""
        settings = rest.pop("settings", None) or self.settings(instance, target_kbps)
        return Job(name, self.footage(instance), settings, self._first_passes[instance.name], **rest)

    def anchor(self, instance: Instance | str) -> Anchor:
        """The anchor curve of an instance that is `prepared`."""
        return self._anchors[instance if isinstance(instance, str) else instance.name]

    def prepared(self, instances: Sequence[Instance]) -> list[Instance]:
        """Makes frames, first passes and anchors of instances; returns those that can be used."""
        self._prepare_first_passes(instances)
        usable = [one for one in instances if one.name not in self.failures]
        self._prepare_anchors(usable)
        return [one for one in usable if one.name not in self.failures]

    def frame_stats(self, instance: Instance | str) -> Array:
        """f8[T, 25]: the first pass's statistics as the callbacks give them."""
        name = instance if isinstance(instance, str) else instance.name
        if name not in self._stats:
            raw = self._pool.frame_stats(self._first_passes[name])
            self._stats[name] = np.frombuffer(raw, np.float64).reshape(-1, 25).copy()
        return self._stats[name]

    def clip_features(self, name: str, target_kbps: int) -> tuple[Array, Array]:
        """f4[C] and f4[T, X] of an instance at a target."""
        footage, stats, widths = self._footage[name], self.frame_stats(name), self.engine.widths
        clip = np.zeros(widths.clip, np.float32)
        frames = np.zeros((len(stats), widths.frame), np.float32)
        self.engine.native.observe_clip(footage.width, footage.height, target_kbps, stats, clip, frames)
        return clip, frames

    def trace(self, episode: Episode) -> Trace:
        """What the agent sees of an episode's frames, under the target that the episode names."""
        footage, records = self._footage[episode.instance], np.ascontiguousarray(episode.records)
        step = np.zeros((len(records), self.engine.widths.step), np.float32)
        q_ref = np.zeros(len(records), np.int32)
        self.engine.native.replay_features(
            footage.width,
            footage.height,
            episode.target_kbps,
            self.frame_stats(episode.instance),
            records,
            step,
            q_ref,
        )
        asked = records["frame_type"] >= 0
        kept = records[asked]
        bits_per_frame = float(episode.target_kbps * 1000 / footage.fps)
        return Trace(
            frame_type=kept["frame_type"].astype(np.int32),
            layer=kept["layer"].astype(np.int32),
            show_index=kept["show_index"].astype(np.int32),
            q_ref=q_ref[asked],
            qindex=kept["qindex"].astype(np.int32),
            step=step[asked],
            log_bits=scaled_log_bits(kept["bits"], bits_per_frame),
            log_sse=scaled_log_sse(kept["sse"], kept["pixels"]),
            policy=None if episode.policies is None else episode.policies[asked],
        )

    def knows(self, name: str) -> bool:
        """Whether an instance of this name is prepared."""
        return name in self._anchors

    def fail(self, name: str, reason: str) -> None:
        """Logs and counts what could not be done."""
        self.failures[name] = reason
        log.warning("skipped %s: %s", name, reason)

    def _digest(self, instance: Instance, *parts: object) -> str:
        """Names what is made of an instance's frames by this libvpx."""
        return digest(self.footage(instance).key, self.engine.native.versions()["libvpx_runtime"], *parts)

    def _prepare_first_passes(self, instances: Sequence[Instance]) -> None:
        folder = self._cache / "first-pass"
        folder.mkdir(exist_ok=True)
        missing: list[tuple[Instance, Path]] = []
        for instance in instances:
            try:
                settings = self.settings(instance, 256)
            except (BridgeError, ValueError, OSError) as error:
                self.fail(instance.name, str(error))
                continue
            path = folder / f"{self._digest(instance, settings.first_pass_key())}.stats"
            if path.exists():
                self._first_passes[instance.name] = path.read_bytes()
            else:
                missing.append((instance, path))
        paths = {instance.name: path for instance, path in missing}
        jobs = (Job(one.name, self.footage(one), self.settings(one, 256), None) for one, _ in missing)
        for done in self.play(jobs):
            if done.error:
                self.fail(done.job.name, done.error)
                continue
            with whole_file(paths[done.job.name]) as temporary:
                temporary.write_bytes(done.stats)
            self._first_passes[done.job.name] = done.stats

    def _prepare_anchors(self, instances: Sequence[Instance]) -> None:
        """Constant-quality encodes at a few levels: the curve through them, and their plans."""
        folder = self._cache / "anchors"
        folder.mkdir(exist_ok=True)
        levels = self.config.data.anchor_cq_levels
        paths: dict[str, Path] = {}
        found: dict[str, list[QualityEncode]] = {}
        jobs: list[Job] = []
        for instance in instances:
            key = self._digest(instance, self.settings(instance, 256).settings_key(), levels)
            paths[instance.name] = folder / f"{key}.json"
            if paths[instance.name].exists():
                kept = json.loads(paths[instance.name].read_text())
                found[instance.name] = [
                    QualityEncode(**{**one, "plan": plan_of_json(plan)}) for one, plan in kept
                ]
            else:
                jobs += [self._quality_job(instance, level) for level in levels]
        for done in self.play(jobs, follow_plans):
            name = done.job.extra[0].name
            if done.error:
                self.fail(name, done.error)
                continue
            plan = plan_of_records(done.records) if len(done.records) else plan_of_packets(done.packets)
            encode = QualityEncode(done.job.settings.cq_level, done.rate_kbps, done.psnr_y_db, plan)
            found.setdefault(name, []).append(encode)
            if len(found[name]) == len(levels):
                found[name].sort(key=lambda one: one.cq_level)
                text = json.dumps([({**vars(one), "plan": None}, vars(one.plan)) for one in found[name]])
                write_text(paths[name], text)
        for instance in instances:
            encodes = found.get(instance.name, [])
            try:
                self._anchors[instance.name] = anchor_of([(e.rate_kbps, e.psnr_y_db) for e in encodes])
                self.quality[instance.name] = encodes
            except ValueError as error:
                self.fail(instance.name, str(error))

    def _quality_job(self, instance: Instance, cq_level: int) -> Job:
        """Constant quality as libvpx does it, or else a constant qindex; `extra[0]` is the instance."""
        name = f"{instance.name} cq{cq_level}"
        settings = self.settings(instance, 256, end_usage=QUALITY, cq_level=cq_level)
        if self.engine.has_quality:
            extra: tuple[Any, ...] = (instance,)
            rest: dict[str, Any] = {"mode": "libvpx", "keep_packets": True}
        else:
            extra = (instance, PlanFollower(constant_plan(4 * cq_level)))
            rest = {"guard": False}
        return self.job(name, instance, 256, settings=settings, extra=extra, **rest)
