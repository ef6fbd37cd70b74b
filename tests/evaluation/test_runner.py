"""The evaluation: what it encodes, keeps, finds again, and how it ends early. Encodes here are made up."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder_bridge import _native
from encoder_bridge.encode.config import QUALITY, EncoderConfig
from encoder_bridge.errors import BadInput, EncodeFailed
from encoder_bridge.media.probe import VideoFile
from muzero_rc.deploy.policy_names import UnknownPolicy
from muzero_rc.encoding.coded_frames import CodedFrames
from muzero_rc.encoding.farm import LocalFarm
from muzero_rc.evaluation import runner as evaluation_module
from muzero_rc.evaluation.cq_match import CQ_MAX, CQ_MIN, matching_levels
from muzero_rc.evaluation.measured_encode import EncodeRequest
from muzero_rc.evaluation.metrics import wanted
from muzero_rc.evaluation.rate_controls import check_possible, choose_rate_controls
from muzero_rc.evaluation.result_cache import ResultCache
from muzero_rc.evaluation.results import MeasuredEncode
from muzero_rc.evaluation.runner import ClipTask, Evaluation, evaluate

TARGETS = (50, 100, 200, 400)


def encode_at(kbps: float, psnr_y_db: float = 35.0) -> MeasuredEncode:
    coded = CodedFrames([0, 2, 1], [0, 8, 1], [0, 1, 3], [0, 1, 1], [50, 60, 90], [800, 500, 100])
    metrics = {"psnr_y_db": psnr_y_db, "psnr_y_sum_db": psnr_y_db, "ssim": 0.9}
    return MeasuredEncode("", "", None, None, kbps, metrics, 2, 25.0, 0.1, 0, coded)


class Encoder:
    """Stands in for libvpx: rate follows the target, or the cq-level; can fail or stop on demand."""

    def __init__(self) -> None:
        self.requests: list[EncodeRequest] = []
        self.fail_at: int | None = None
        self.stop_after: int | None = None
        self._lock = threading.Lock()

    def __call__(self, _path: Path, request: EncodeRequest, *_: Any) -> MeasuredEncode:
        with self._lock:
            self.requests.append(request)
            count = len(self.requests)
        if self.stop_after is not None and count > self.stop_after:
            raise KeyboardInterrupt
        config = request.config
        if self.fail_at is not None and config.target_kbps == self.fail_at:
            raise EncodeFailed("no luck")
        by_level = config.end_usage == QUALITY
        return encode_at(1000 / 2 ** (config.cq_level / 10) if by_level else 1.01 * config.target_kbps)


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Encoder]:
    fake = Encoder()
    monkeypatch.setattr(evaluation_module, "run_request", fake)
    monkeypatch.setattr(evaluation_module, "first_pass_of", lambda *_: None)
    yield fake


@pytest.fixture
def evaluation(tmp_path: Path) -> Evaluation:
    tasks = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.mkv"
        path.write_text(name)
        clip = VideoFile(
            path=path,
            stream=0,
            width=64,
            height=48,
            fps=Fraction(25),
            frames=2,
            max_frames=None,
            start_s=0.0,
            sample_aspect=Fraction(1),
            notes=(),
        )
        tasks.append(ClipTask(name, clip, TARGETS, (52, 44, 36, 28)))
    rate_controls = choose_rate_controls(["controller"], "libvpx-vbr", ["libvpx-q"], auto_alt_ref=6)
    return Evaluation(tasks, rate_controls, EncoderConfig(cpu_used=4), wanted(()))


def run(evaluation: Evaluation, cache: ResultCache, *, jobs: int, **rest: Any) -> Any:
    farm = LocalFarm(jobs)
    try:
        return evaluate(evaluation, cache, farm, **rest)
    finally:
        farm.close()


def test_every_rate_control_gets_every_target(
    encoder: Encoder, evaluation: Evaluation, tmp_path: Path
) -> None:
    encodes, failures = run(evaluation, ResultCache(tmp_path / "e"), jobs=2)
    assert failures == []
    assert len(encodes) == len(encoder.requests) == evaluation.size() == 2 * 4 * 4
    seen = {(e.clip, e.rate_control): [] for e in encodes}
    for e in encodes:
        seen[e.clip, e.rate_control].append(e.target_kbps)
    assert seen["one", "controller"] == list(TARGETS)
    assert seen["two", "libvpx-vbr-arf1"] == list(TARGETS)
    assert seen["one", "libvpx-q"] == [None] * 4


def test_settings_of_each_rate_control(encoder: Encoder, evaluation: Evaluation, tmp_path: Path) -> None:
    run(evaluation, ResultCache(tmp_path / "e"), jobs=1)
    kinds = {(r.mode, r.config.auto_alt_ref, r.config.end_usage == QUALITY) for r in encoder.requests}
    assert kinds == {
        ("libvpx", 6, False),
        ("libvpx", 1, False),
        ("libvpx", 6, True),
        ("policy", 6, False),
    }


def test_a_second_run_encodes_nothing(encoder: Encoder, evaluation: Evaluation, tmp_path: Path) -> None:
    store = ResultCache(tmp_path / "e")
    first = run(evaluation, store, jobs=2)
    encoder.requests.clear()
    made = []
    assert run(evaluation, store, jobs=1, on_encode=lambda e, now: made.append(now)) == first
    assert encoder.requests == []
    assert made == [False] * evaluation.size()


def test_an_interrupted_run_goes_on(encoder: Encoder, evaluation: Evaluation, tmp_path: Path) -> None:
    store = ResultCache(tmp_path / "e")
    encoder.stop_after = 11
    with pytest.raises(KeyboardInterrupt):
        run(evaluation, store, jobs=1)
    encoder.stop_after = None
    done = len(list((tmp_path / "e").glob("*.json")))
    assert done == 11
    encoder.requests.clear()
    encodes, _ = run(evaluation, store, jobs=1)
    assert len(encoder.requests) == evaluation.size() - done
    assert len(encodes) == evaluation.size()


def test_a_failure_is_reported_and_the_rest_goes_on(
    encoder: Encoder, evaluation: Evaluation, tmp_path: Path
) -> None:
    encoder.fail_at = 200
    encodes, failures = run(evaluation, ResultCache(tmp_path / "e"), jobs=2)
    assert {(f.clip, f.reason) for f in failures} == {("one", "no luck"), ("two", "no luck")}
    assert {f.rate_control for f in failures} == {"libvpx-vbr", "libvpx-vbr-arf1", "controller"}
    assert {e.rate_control for e in encodes} == {"libvpx-q"}


@pytest.mark.parametrize("change", ["settings", "clip", "vmaf"])
def test_what_an_encode_depends_on_makes_it_anew(
    encoder: Encoder, evaluation: Evaluation, tmp_path: Path, change: str
) -> None:
    store = ResultCache(tmp_path / "e")
    run(evaluation, store, jobs=1)
    encoder.requests.clear()
    if change == "settings":
        evaluation = replace(evaluation, settings=EncoderConfig(cpu_used=3))
    elif change == "vmaf":
        evaluation = replace(evaluation, metrics=wanted(["vmaf"]))
    else:
        evaluation.tasks[0].clip.path.write_text("other content")
    run(evaluation, store, jobs=1)
    assert len(encoder.requests) == evaluation.size() // (2 if change == "clip" else 1)


def test_broken_entries_are_made_again(encoder: Encoder, evaluation: Evaluation, tmp_path: Path) -> None:
    folder = tmp_path / "e"
    first = run(evaluation, ResultCache(folder), jobs=1)
    entries = sorted(folder.glob("*.json"))
    entries[0].write_text(entries[0].read_text()[:40])
    entries[1].write_text('{"format": "something else"}')
    entries[2].write_text("[]")
    entries[3].write_text(re.sub(r'"kbps": [0-9.]+', '"kbps": NaN', entries[3].read_text()))
    entries[4].write_text(re.sub(r'"kbps": ', '"kbps": -', entries[4].read_text()))
    entries[5].write_text(entries[6].read_text())
    encoder.requests.clear()
    assert run(evaluation, ResultCache(folder), jobs=1) == first
    assert len(encoder.requests) == 6


def test_without_levels_constant_quality_is_rate_matched(
    encoder: Encoder, evaluation: Evaluation, tmp_path: Path
) -> None:
    tasks = [replace(task, cq_levels=None) for task in evaluation.tasks]
    encodes, _ = run(replace(evaluation, tasks=tasks), ResultCache(tmp_path / "e"), jobs=2)
    rates = [e.kbps for e in encodes if e.rate_control == "libvpx-q" and e.clip == "one"]
    assert rates == pytest.approx(TARGETS, rel=0.04)


def test_the_replay_stands_on_constant_quality(
    encoder: Encoder, evaluation: Evaluation, tmp_path: Path
) -> None:
    rate_controls = choose_rate_controls([], "libvpx-vbr", ["libvpx-q-replay"], auto_alt_ref=1)
    assert [m.name for m in rate_controls] == ["libvpx-vbr", "libvpx-q", "libvpx-q-replay"]
    encodes, failures = run(
        replace(evaluation, rate_controls=rate_controls), ResultCache(tmp_path / "e"), jobs=1
    )
    assert failures == []
    replays = [e for e in encodes if e.rate_control == "libvpx-q-replay"]
    assert [(e.target_kbps, e.cq_level) for e in replays[:4]] == [(None, level) for level in (52, 44, 36, 28)]
    modes = [r.mode for r in encoder.requests]
    assert modes.count("plan") == modes.count("places") == 8
    assert all(r.config.end_usage == QUALITY for r in encoder.requests if r.mode == "plan")
    assert all(r.config.end_usage != QUALITY for r in encoder.requests if r.mode == "places")


def test_other_speeds_of_a_rate_control_have_names_of_their_own(
    encoder: Encoder, evaluation: Evaluation, tmp_path: Path
) -> None:
    rate_controls = choose_rate_controls(
        ["controller"], "libvpx-vbr", ["libvpx@5"], auto_alt_ref=1, more_cpu_used=[2]
    )
    names = ["libvpx-vbr", "libvpx-vbr@5", "controller", "libvpx-vbr@2", "controller@2"]
    assert [one.name for one in rate_controls] == names
    assert [one.base_name for one in rate_controls] == [name.partition("@")[0] for name in names]
    encodes, _ = run(replace(evaluation, rate_controls=rate_controls), ResultCache(tmp_path / "e"), jobs=1)
    assert len(encodes) == 2 * 5 * len(TARGETS)
    speeds = [(r.mode, r.config.cpu_used) for r in encoder.requests[:: len(TARGETS)]]
    assert sorted(set(speeds)) == [("libvpx", 2), ("libvpx", 4), ("libvpx", 5), ("policy", 2), ("policy", 4)]
    with pytest.raises(UnknownPolicy, match="aim at a bitrate"):
        choose_rate_controls([], "libvpx-vbr", ["libvpx-q@2"], auto_alt_ref=1)


def test_key_frames_are_filtered_only_where_libvpx_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["libvpx-vbr-kf-filter", "libvpx-vbr-kf-filter@1"]
    fast, slow = choose_rate_controls([], "libvpx-vbr", names, auto_alt_ref=1)[1:]
    settings = EncoderConfig(cpu_used=4)
    assert (slow.settings(settings).key_frame_filtering, slow.settings(settings).cpu_used) == (1, 1)
    newer = {"libvpx_runtime": "1.15.0", "libvpx_path": "libvpx.so.9", "key_frame_filtering": 1}
    monkeypatch.setattr(_native, "versions", lambda: newer)
    check_possible([slow], settings)
    check_possible([fast], settings.replace(cpu_used=0))
    with pytest.raises(BadInput, match="not at 4: use libvpx-vbr-kf-filter@1, or --cpu-used 1"):
        check_possible([slow, fast], settings)
    monkeypatch.setattr(
        _native, "versions", lambda: {**newer, "libvpx_runtime": "1.12.0", "key_frame_filtering": 0}
    )
    with pytest.raises(BadInput, match="cannot filter key frames: name"):
        check_possible([slow], settings)


def test_libvpxs_peers_stand_on_the_reports_first_pass(
    encoder: Encoder, evaluation: Evaluation, tmp_path: Path
) -> None:
    rate_controls = choose_rate_controls(
        [], "libvpx-vbr", ["libvpx-per-title", "libvpx-corpus"], auto_alt_ref=1
    )
    evaluation = replace(evaluation, rate_controls=rate_controls)
    encodes, failures = run(evaluation, ResultCache(tmp_path / "e"), jobs=1)
    assert failures == [] and len(encodes) == evaluation.size()
    tuned = [e for e in encodes if (e.clip, e.rate_control) == ("one", "libvpx-per-title")]
    assert [e.target_kbps for e in tuned] == list(TARGETS)
    assert all(e.fill is not None and 0.97 <= e.fill <= 1 for e in tuned)
    corpus = [r for r in encoder.requests if r.config.corpus_complexity]
    assert [r.config.target_kbps for r in corpus] == 2 * list(TARGETS)
    assert [e.target_kbps for e in encodes if e.rate_control == "libvpx-corpus"] == 8 * [None]
    peers = [r for r in encoder.requests if r.first_pass is not None]
    assert {r.first_pass for r in peers} == {evaluation.settings} and len(peers) > 2 * 6 * len(TARGETS)


def test_policies_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.safetensors").touch()
    paths = [str(tmp_path / folder / "same.safetensors") for folder in ("a", "b")]
    with pytest.raises(UnknownPolicy, match="same"):
        choose_rate_controls(paths, "libvpx-vbr", [], auto_alt_ref=1)
    assert len(choose_rate_controls([paths[0], paths[0]], "libvpx", [], auto_alt_ref=1)) == 2


@given(
    st.lists(st.floats(1.01, 1.4), min_size=CQ_MAX, max_size=CQ_MAX),
    st.lists(st.integers(5, 5000), min_size=1, max_size=6),
)
def test_bisection_finds_the_nearest_level(steps: list[float], targets: list[int]) -> None:
    rates = [10.0]
    for step in steps:
        rates.append(rates[-1] * step)
    rates.reverse()  # the rate falls as the level rises
    asked: list[int] = []

    def kbps_at(level: int) -> float:
        asked.append(level)
        return rates[level]

    def off(level: int, target: int) -> float:
        return max(rates[level] / target, target / rates[level])

    levels = matching_levels(kbps_at, targets)
    assert levels == sorted(set(levels), reverse=True)
    assert len(asked) == len(set(asked))
    for target in targets:
        best = min(off(level, target) for level in range(CQ_MIN, CQ_MAX + 1))
        assert min(off(level, target) for level in levels) == pytest.approx(best)
