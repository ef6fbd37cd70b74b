"""The clip store: instances prepared for encoding once, and the farm that encodes them.

Raw frames, first passes and anchor curves are made once and kept in the cache folder. An instance that
cannot be used is logged, skipped and counted; it never ends a run.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from encoder_bridge.encode import first_pass_cache
from encoder_bridge.encode.batch import BatchResult, Decide, Job, refuse_decisions
from encoder_bridge.encode.config import QUALITY, EncoderConfig
from encoder_bridge.encode.objective import Objective
from encoder_bridge.encode.objective_quality import check_measurable
from encoder_bridge.encode.raw_clip import RawClip
from encoder_bridge.encode.waiting import pool_of_one
from encoder_bridge.errors import BridgeError
from muzero_rc.config.schema import Config, encoder_settings
from muzero_rc.corpus.anchor import Anchor, anchor_of
from muzero_rc.corpus.cache_key import digest
from muzero_rc.corpus.clips import CorpusError
from muzero_rc.corpus.frame_store import raw_clip_of
from muzero_rc.corpus.instances import Instance, build_instances
from muzero_rc.encoding.engine import Engine
from muzero_rc.encoding.farm import Farm, LocalFarm
from muzero_rc.encoding.measured_results import with_quality
from muzero_rc.encoding.qindex_plan import PlanFollower, constant_plan, follow_plans
from muzero_rc.encoding.quality_encodes import (
    QualityEncode,
    load_quality_encodes,
    quality_encode_of,
    save_quality_encodes,
)
from muzero_rc.types import Array

log = logging.getLogger(__name__)

_ANY_TARGET_KBPS = 256  # where the target makes no difference: first passes, constant quality
_STATS_FIELDS = 25  # of libvpx's FIRSTPASS_STATS


@dataclass(frozen=True)
class PreparedClip:
    """All that encodes of an instance need, to be handed to another store.

    Attributes:
      name: of the instance.
      clip: its frames, in memory.
      first_pass: the blob.
      anchor: its curve.
    """

    name: str
    clip: RawClip
    first_pass: bytes
    anchor: Anchor


class ClipStore:
    """Prepared instances and where they are encoded.

    Attributes:
      engine: what encodes.
      farm: where.
      objective: what encodes are measured by.
      config: of the run.
      failures: why, by the name of what could not be encoded.
      quality: the constant-quality encodes of each prepared instance, by level.
    """

    def __init__(self, engine: Engine, config: Config, cache: Path, farm: Farm | None = None) -> None:
        """Makes `cache` if it is missing; without a farm, `config.actor.encoders` run on this machine."""
        cache.mkdir(parents=True, exist_ok=True)
        self.engine = engine
        self.farm = farm or LocalFarm(config.actor.encoders)
        self.objective = Objective.parse(config.reward.metric)
        check_measurable(self.objective)
        self.config = config
        self.failures: dict[str, str] = {}
        self.quality: dict[str, list[QualityEncode]] = {}
        self._cache = cache
        self._own_farm = farm is None
        self._raw_clips: dict[str, RawClip] = {}
        self._first_passes: dict[str, bytes] = {}
        self._stats: dict[str, Array] = {}
        self._anchors: dict[str, Anchor] = {}

    def close(self) -> None:
        """Ends every encode; a farm that was given stays open."""
        if self._own_farm:
            self.farm.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def prepared(self, instances: Sequence[Instance]) -> list[Instance]:
        """Makes frames, first passes and anchors of instances; returns those that can be used."""
        self._prepare_first_passes(instances)
        usable = [one for one in instances if one.name not in self.failures]
        self._prepare_anchors(usable)
        return [one for one in usable if one.name not in self.failures]

    def prepared_corpus(self, clips: Sequence[Path]) -> list[Instance]:
        """Prepares the instances of a run on these clips.

        Raises:
          CorpusError: none can be used.
        """
        instances = self.prepared(self.instances(clips))
        if not instances:
            places = ", ".join(sorted({str(clip.parent) for clip in clips}))
            raise CorpusError(f"corpus {places}: none of its {len(clips)} clips can be encoded")
        return instances

    def ready(self, instance: Instance) -> bool:
        """Prepares an instance unless it is, or could not be; whether it can be used."""
        if not self.knows(instance.name) and instance.name not in self.failures:
            self.prepared([instance])
        return self.knows(instance.name)

    def instances(self, clips: Sequence[Path]) -> list[Instance]:
        """The instances of a run on these clips, not prepared: `ready` does that where one is needed."""
        return build_instances(clips, self.config.data, self.config.seed)

    def knows(self, name: str) -> bool:
        """Whether an instance of this name is prepared."""
        return name in self._anchors

    def prepared_clip(self, instance: Instance) -> PreparedClip:
        """What another store takes of an instance that is `prepared`."""
        name, clip = instance.name, self.raw_clip(instance)
        clip = replace(clip, frames=np.asarray(clip.frames))
        return PreparedClip(name, clip, self._first_passes[name], self._anchors[name])

    @contextmanager
    def borrowed(self, prepared: PreparedClip) -> Iterator[None]:
        """An instance is `prepared` here for a while, by another store."""
        name = prepared.name
        self._raw_clips[name], self._first_passes[name] = prepared.clip, prepared.first_pass
        self._anchors[name] = prepared.anchor
        try:
            yield
        finally:
            del self._raw_clips[name], self._first_passes[name], self._anchors[name]
            self._stats.pop(name, None)

    def fail(self, name: str, reason: str) -> None:
        """Logs and counts what could not be done."""
        self.failures[name] = reason
        log.warning("skipped %s: %s", name, reason)

    def play(
        self, jobs: Iterable[Job], decide: Decide = refuse_decisions, *, together: int = 1
    ) -> Iterator[BatchResult]:
        """Runs jobs on the farm; see `muzero_rc.encoding.farm.Farm.play`."""
        played = self.farm.play(self.engine, jobs, decide, together=together)
        return with_quality(self.farm, self.objective, played) if self.objective.decodes else played

    def played(
        self, jobs: Iterable[Job], decide: Decide = refuse_decisions, *, together: int = 1
    ) -> Iterator[BatchResult]:
        """The results of `play` that ended well; a failure is logged and counted."""
        for done in self.play(jobs, decide, together=together):
            if done.error:
                self.fail(done.job.name, done.error)
            else:
                yield done

    def job(self, name: str, instance: Instance, target_kbps: int, **rest: Any) -> Job:
        """A second pass of an instance that is `prepared`."""
        settings = rest.pop("settings", None) or self.settings(instance, target_kbps)
        if self.objective.decodes:
            rest["keep_packets"] = True
        return Job(name, self.raw_clip(instance), settings, self._first_passes[instance.name], **rest)

    @property
    def measured_by(self) -> tuple[str, ...]:
        """What names of kept figures say of the objective: nothing where it is PSNR."""
        return (repr(self.objective.weights),) if self.objective.decodes else ()

    def first_pass(self, name: str) -> bytes:
        """The first pass's blob of a `prepared` instance."""
        return self._first_passes[name]

    def settings(self, instance: Instance | str, target_kbps: int, **changes: int) -> EncoderConfig:
        """The encoder's settings for one encode."""
        clip = self.raw_clip(instance)
        base = EncoderConfig(target_kbps=target_kbps, **encoder_settings(self.config.encode), **changes)
        return base.for_video(clip.width, clip.height, clip.fps)

    def raw_clip(self, instance: Instance | str) -> RawClip:
        """The frames of an instance; by its name when they are there already."""
        if isinstance(instance, str):
            return self._raw_clips[instance]
        if instance.name not in self._raw_clips:
            made = raw_clip_of(instance, self.config.data.max_frames, self._cache / "frames")
            self._raw_clips[instance.name] = made
        return self._raw_clips[instance.name]

    def frame_stats(self, name: str) -> Array:
        """f8[T, 25]: the first pass's statistics of a `prepared` instance, as the callbacks give them."""
        if name not in self._stats:
            with pool_of_one(self.engine.native.Pool) as pool:
                raw = pool.frame_stats(self._first_passes[name])
            self._stats[name] = np.frombuffer(raw, np.float64).reshape(-1, _STATS_FIELDS).copy()
        return self._stats[name]

    def anchor(self, instance: Instance | str) -> Anchor:
        """The anchor curve of an instance that is `prepared`."""
        return self._anchors[instance if isinstance(instance, str) else instance.name]

    def _key(self, instance: Instance, *parts: object) -> str:
        """Names what is made of an instance's frames by this libvpx."""
        return digest(self.raw_clip(instance).key, self.engine.libvpx, *parts)

    def _prepare_first_passes(self, instances: Sequence[Instance]) -> None:
        missing: dict[str, str] = {}
        jobs: list[Job] = []
        for instance in instances:
            try:
                settings = self.settings(instance, _ANY_TARGET_KBPS)
            except (BridgeError, ValueError, OSError) as error:
                self.fail(instance.name, str(error))
                continue
            key = self._key(instance, settings.first_pass_key())
            blob = first_pass_cache.load(self._cache, key)
            if blob is not None:
                self._first_passes[instance.name] = blob
            else:
                missing[instance.name] = key
                jobs.append(Job(instance.name, self.raw_clip(instance), settings, None))
        for done in self.played(jobs):
            first_pass_cache.store(self._cache, missing[done.job.name], done.stats)
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
            settings = self.settings(instance, _ANY_TARGET_KBPS).settings_key()
            key = self._key(instance, settings, levels, *self.measured_by)
            paths[instance.name] = folder / f"{key}.json"
            kept = load_quality_encodes(paths[instance.name])
            if kept is not None:
                found[instance.name] = kept
            else:
                jobs += [self._quality_job(instance, level) for level in levels]
        for done in self.play(jobs, follow_plans):
            name = done.job.extra[0].name
            if done.error:
                self.fail(name, done.error)
                continue
            encodes = found.setdefault(name, [])
            encodes.append(quality_encode_of(done))
            if len(encodes) == len(levels):
                encodes.sort(key=lambda one: one.cq_level)
                save_quality_encodes(paths[name], encodes)
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
        settings = self.settings(instance, _ANY_TARGET_KBPS, end_usage=QUALITY, cq_level=cq_level)
        if self.engine.has_quality:
            extra: tuple[Any, ...] = (instance,)
            rest: dict[str, Any] = {"mode": "libvpx", "keep_packets": True}
        else:
            extra = (instance, PlanFollower(constant_plan(4 * cq_level)))
            rest = {"guard": False}
        return self.job(name, instance, _ANY_TARGET_KBPS, settings=settings, extra=extra, **rest)
