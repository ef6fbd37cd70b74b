"""Runs an evaluation on a farm: clips × rate controls × targets; each result is cached at once."""

import hashlib
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from encoder_bridge import _native
from encoder_bridge.encode.config import QUALITY, EncoderConfig
from encoder_bridge.errors import BridgeError, EncodeFailed
from encoder_bridge.media.probe import VideoFile
from muzero_rc.deploy.policy_names import PolicyRef
from muzero_rc.encoding.farm import Farm, Shared, SharedFile
from muzero_rc.encoding.passes import open_policy
from muzero_rc.encoding.portable_policy import PortablePolicy
from muzero_rc.evaluation.cq_match import matching_levels
from muzero_rc.evaluation.measured_encode import Cancelled, EncodeRequest, first_pass_of, run_request
from muzero_rc.evaluation.metrics import PSNR_Y_SUM, Metric, wanted
from muzero_rc.evaluation.peers import corpus_bitrates, corpus_configs, per_title
from muzero_rc.evaluation.rate_controls import CONSTANT_QUALITY, Kind, RateControl, fingerprint
from muzero_rc.evaluation.result_cache import ResultCache, cache_key
from muzero_rc.evaluation.results import Failure, MeasuredEncode
from muzero_rc.utils.file_hash import file_sha256


@dataclass(frozen=True)
class ClipTask:
    """One clip and what is asked of it.

    Attributes:
        name: in reports; each clip another one.
        targets_kbps: for the rate controls that have targets.
        cq_levels: for constant quality; None finds levels whose rates match the targets.
    """

    name: str
    clip: VideoFile
    targets_kbps: tuple[int, ...]
    cq_levels: tuple[int, ...] | None


@dataclass(frozen=True)
class Evaluation:
    """What to encode.

    Attributes:
        settings: cpu-used, auto-alt-ref and so on; size, rate and target come from the tasks.
        metrics: to measure.
    """

    tasks: list[ClipTask]
    rate_controls: list[RateControl]
    settings: EncoderConfig
    metrics: Sequence[Metric]

    def size(self) -> int:
        """The least number of encodes; rate matching tries more."""
        by_level = (Kind.QUALITY, Kind.REPLAY)
        rungs = (
            len(t.cq_levels if r.kind in by_level and t.cq_levels is not None else t.targets_kbps)
            for t in self.tasks
            for r in self.rate_controls
        )
        return sum(rungs)


OnEncode = Callable[[MeasuredEncode, bool], None]
"""Called for every encode of the result, from any thread; the flag says that it was made just now."""


def evaluate(
    evaluation: Evaluation, cache: ResultCache, farm: Farm, *, on_encode: OnEncode | None = None
) -> tuple[list[MeasuredEncode], list[Failure]]:
    """Encodes everything that `cache` lacks.

    A clip and rate control that fails is reported and does not stop the others. On Ctrl-C running encodes
    end within a second and what was finished stays in `cache`.

    Args:
        evaluation: what to encode.
        cache: where results are looked up and kept.
        farm: where encodes run; cancelled where this is interrupted.
        on_encode: told of every result.
    """
    worker = _Worker(evaluation, cache, farm, on_encode)
    encodes: list[MeasuredEncode] = []
    failures: list[Failure] = []
    with ThreadPoolExecutor(farm.slots) as pool:  # whose threads wait for the farm
        chains: dict[Future[list[MeasuredEncode]], tuple[str, str]] = {}
        for task in evaluation.tasks:
            for rate_control in evaluation.rate_controls:
                chains[pool.submit(worker.chain, task, rate_control)] = (task.name, rate_control.name)
        try:
            for done in as_completed(chains):
                clip, name = chains[done]
                try:
                    encodes += done.result()
                except BridgeError as error:
                    failures.append(Failure(clip, name, " ".join(str(error).split())))
        except BaseException:
            worker.cancelled.set()
            farm.cancel()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    order = {
        (task.name, rate_control.name): i
        for i, (task, rate_control) in enumerate(product(evaluation.tasks, evaluation.rate_controls))
    }
    encodes.sort(key=lambda e: (order[e.clip, e.rate_control], e.kbps))
    failures.sort(key=lambda f: order[f.clip, f.rate_control])
    return encodes, failures


class _Worker:
    """Runs chains: the encodes of one clip by one rate control, which may need one another's results."""

    def __init__(
        self, evaluation: Evaluation, cache: ResultCache, farm: Farm, on_encode: OnEncode | None
    ) -> None:
        self.cancelled = threading.Event()
        self._evaluation = evaluation
        self._cache = cache
        self._farm = farm
        self._on_encode = on_encode
        self._made: set[str] = set()
        library = Path(_native.__file__)
        self._fingerprints = {r.name: fingerprint(r, library) for r in evaluation.rate_controls}
        self._policies = {
            r.name: _portable(r.policy) for r in evaluation.rate_controls if r.policy is not None
        }
        self._libvpx = str(_native.versions()["libvpx_runtime"])
        # Two chains may want the same constant-quality encodes or first pass of a clip: the first one makes
        # them while the second waits, then finds them in the cache.
        self._quality_locks = {task.name: threading.Lock() for task in evaluation.tasks}
        self._first_pass_locks = {task.name: threading.Lock() for task in evaluation.tasks}
        self._corpus_bitrates = corpus_bitrates([task.targets_kbps for task in evaluation.tasks])
        self._first_passes: dict[tuple[str, str], Shared] = {}
        self._digests = {task.name: file_sha256(task.clip.path) for task in evaluation.tasks}

    def chain(self, task: ClipTask, rate_control: RateControl) -> list[MeasuredEncode]:
        """All encodes of one clip by one rate control."""
        encodes = []
        for key, encode in self._chain(task, rate_control):
            encodes.append(encode)
            if self._on_encode is not None:
                self._on_encode(encode, key in self._made)
        return encodes

    def _chain(self, task: ClipTask, rate_control: RateControl) -> Iterator[tuple[str, MeasuredEncode]]:
        settings = rate_control.settings(self._evaluation.settings)
        if rate_control.kind in (Kind.PER_TITLE, Kind.CORPUS):
            yield from self._peer(task, rate_control, settings)
            return
        if rate_control.has_target:
            mode = "libvpx" if rate_control.kind is Kind.VBR else "policy"
            for target in task.targets_kbps:
                config = settings.replace(target_kbps=target)
                yield self._encode(task, rate_control, EncodeRequest(task.clip, config, mode))
            return
        constant = self._constant_quality(task, settings)
        if rate_control.kind is Kind.QUALITY:
            yield from constant
            return
        for _, encode in constant:
            yield self._replay(task, rate_control, settings, encode)

    def _peer(
        self, task: ClipTask, rate_control: RateControl, settings: EncoderConfig
    ) -> Iterator[tuple[str, MeasuredEncode]]:
        clip = task.clip
        highest = settings.for_video(clip.width, clip.height, clip.fps).raw_kbps

        def encode(config: EncoderConfig, *, whole: bool) -> tuple[str, MeasuredEncode]:
            request = EncodeRequest(clip, config, "libvpx", first_pass=settings)
            metrics = self._evaluation.metrics if whole else wanted(())
            return self._encode(task, rate_control, request, target=False, metrics=metrics)

        if rate_control.kind is Kind.PER_TITLE:
            yield from per_title(task.targets_kbps, settings, highest, encode)
            return
        for config in corpus_configs(self._corpus_bitrates[: len(task.targets_kbps)], settings, highest):
            yield encode(config, whole=True)

    def _replay(
        self, task: ClipTask, rate_control: RateControl, settings: EncoderConfig, constant: MeasuredEncode
    ) -> tuple[str, MeasuredEncode]:
        """Replays constant quality's qindexes over VBR, which may choose other GOPs.

        They are first replayed over constant quality itself. That must give the same encode, and tells where
        each hidden frame is shown, which the packets do not.
        """
        level = constant.cq_level or 0
        config = settings.replace(end_usage=QUALITY, cq_level=level)
        request = EncodeRequest(task.clip, config, "plan", plan=constant.coded)
        _, exact = self._encode(task, rate_control, request, target=False)
        same = math.isclose(exact.kbps, constant.kbps, rel_tol=1e-9) and math.isclose(
            exact.metrics[PSNR_Y_SUM.name], constant.metrics[PSNR_Y_SUM.name], rel_tol=1e-9
        )  # sums of squares differ in the last place from one numpy to another
        if not same:
            raise EncodeFailed(
                f"constant quality {level} fed back through the callbacks gives {exact.kbps:.2f} kbps and "
                f"not {constant.kbps:.2f}: they change more than the qindex"
            )
        # The true rate goes in: the target underneath shapes GOPs and alt-ref filtering.
        config = settings.replace(target_kbps=max(1, round(constant.kbps)))
        request = EncodeRequest(task.clip, config, "places", plan=exact.coded)
        key, replayed = self._encode(task, rate_control, request, target=False)
        return key, replace(replayed, cq_level=level)

    def _constant_quality(self, task: ClipTask, settings: EncoderConfig) -> list[tuple[str, MeasuredEncode]]:
        def at(level: int) -> tuple[str, MeasuredEncode]:
            config = settings.replace(end_usage=QUALITY, cq_level=level)
            return self._encode(
                task, CONSTANT_QUALITY, EncodeRequest(task.clip, config, "libvpx"), target=False
            )

        with self._quality_locks[task.name]:
            levels = task.cq_levels or matching_levels(lambda level: at(level)[1].kbps, task.targets_kbps)
            return [at(level) for level in levels]

    def _encode(
        self,
        task: ClipTask,
        rate_control: RateControl,
        request: EncodeRequest,
        *,
        target: bool = True,
        metrics: Sequence[Metric] | None = None,
    ) -> tuple[str, MeasuredEncode]:
        """One encode and its key, from the cache or made and kept now; `metrics` are the report's."""
        if self.cancelled.is_set():
            raise Cancelled
        metrics = self._evaluation.metrics if metrics is None else metrics
        made_from = {
            "clip": self._digests[task.name],
            "frames": str(task.clip.frames),
            "config": request.full_config().settings_key(),
            "mode": request.mode,
            "policy": self._fingerprints.get(rate_control.name, ""),
            "plan": hashlib.sha256(repr(request.plan).encode()).hexdigest() if request.plan else "",
            "libvpx": self._libvpx,
            "metrics": ",".join(metric.name for metric in metrics),
        }
        key = cache_key(made_from)
        found = self._cache.load(key)
        cq_level = request.config.cq_level if request.config.end_usage == QUALITY else None
        if found is None:
            made = self._run(task, rate_control, request, metrics)
        encode = replace(
            found or made,
            clip=task.name,
            rate_control=rate_control.name,
            target_kbps=request.config.target_kbps if target else None,
            cq_level=cq_level,
        )
        if found is None:
            self._cache.save(key, encode, made_from)
            self._made.add(key)
        return key, encode

    def _run(
        self,
        task: ClipTask,
        rate_control: RateControl,
        request: EncodeRequest,
        metrics: Sequence[Metric],
    ) -> MeasuredEncode:
        """One encode on the farm; encodes of a clip with the same settings share their first pass."""
        file = SharedFile(task.clip.path, self._digests[task.name])
        key = (task.name, request.first_pass_config().first_pass_key())
        with self._first_pass_locks[task.name]:
            if key not in self._first_passes:
                first = self._farm.submit(first_pass_of, file, request).result()
                self._first_passes[key] = Shared(f"first pass {self._digests[task.name]} {key}", first)
        policy = self._policies.get(rate_control.name) if request.mode == "policy" else None
        shared = None if policy is None else Shared(policy.key, policy)
        options = tuple(dict.fromkeys(metric.option for metric in metrics))
        first_pass = self._first_passes[key]
        return self._farm.submit(run_request, file, request, shared, first_pass, options).result()


def _portable(policy: PolicyRef) -> PortablePolicy | None:
    """The policy, opened; None for libvpx's own rate control."""
    opened = open_policy(policy)
    if opened is None:
        return None
    return PortablePolicy(opened, None if policy.path is None else policy.path.read_bytes())
