"""Validation: what a kept baseline depends on, and its figures. Encodes are libvpx's, of tiny clips."""

import math
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.learn_samples import toy_config, toy_corpus

from encoder_bridge import _native
from encoder_bridge.encode.layouts import EVENT, RECORD, SHOWN
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore, Engine
from muzero_rc.training.validation import CONTROLLER, VBR, Validation

CONFIG = ("validation.targets=4", "data.max_frames=8", "encode.cpu_used=5")
TARGETS = (20, 40, 80, 160)


@pytest.fixture
def extension(tmp_path):
    """The extension, except that its file may be changed and its libvpx called otherwise."""
    names = {name: getattr(_native, name) for name in dir(_native) if not name.startswith("__")}
    file = shutil.copy(_native.__file__, tmp_path / "extension.so")
    return SimpleNamespace(**names, __file__=str(file))


@pytest.fixture
def baseline(tmp_path, extension):
    """Asks for a baseline in a validation of its own; gives it and how many encodes it took."""

    def ask(rate_control=VBR, *changes, corpus="corpus"):
        config = toy_config(*CONFIG, *changes)
        store = ClipStore(Engine(extension, EVENT, RECORD, SHOWN), config, tmp_path / "cache")
        try:
            clip = tmp_path / corpus / "toy0.y4m"
            instances = store.prepared([Instance("validation/toy0", "toy0", (clip,))])
            validation = Validation(store, instances, config, tmp_path / "cache")
            played, play = [], store.play
            store.play = lambda jobs: play(played.append(job) or job for job in jobs)
            return validation.baseline(rate_control), len(played)
        finally:
            store.close()

    corpus_with_ladder(tmp_path / "corpus")
    return ask


def corpus_with_ladder(folder, **options):
    """One clip, and the same targets for it whatever it shows."""
    toy_corpus(folder, 1, **options)
    columns = ["name", *(f"{kind}_{i}" for kind in ("kbps", "psnr_y", "q_kbps") for i in range(1, 5))]
    row = ["toy0", *TARGETS, *range(30, 34), *TARGETS]
    (folder / "ladder.csv").write_text(",".join(columns) + "\n" + ",".join(map(str, row)) + "\n")


@pytest.mark.parametrize("rate_control", [VBR, CONTROLLER])
def test_a_baseline_is_encoded_once(baseline, rate_control):
    first, encodes = baseline(rate_control)
    assert encodes == 4
    assert [[target for target, _, _ in points] for points in first.values()] == [list(TARGETS)]
    assert baseline(rate_control) == (first, 0)


def test_other_clips_of_the_same_names_have_another_baseline(baseline, tmp_path):
    first, _ = baseline()
    corpus_with_ladder(tmp_path / "other", scenes=(7, 2, 3))
    second, encodes = baseline(corpus="other")
    assert encodes == 4 and second != first


def test_another_number_of_frames_has_another_baseline(baseline):
    first, _ = baseline()
    second, encodes = baseline(VBR, "data.max_frames=5")
    assert encodes == 4 and second != first


def test_another_libvpx_has_another_baseline(baseline, extension):
    baseline()
    other = {**_native.versions(), "libvpx_runtime": "9.9.9"}
    extension.versions = lambda: other
    assert baseline()[1] == 4


def test_another_extension_has_another_controller_though_its_time_is_the_same(baseline, extension):
    for rate_control in (VBR, CONTROLLER):
        baseline(rate_control)
    file = Path(extension.__file__)
    before = file.stat()
    file.write_bytes(file.read_bytes() + b"\0")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert baseline(CONTROLLER)[1] == 4
    assert baseline(VBR)[1] == 0


def test_a_changed_entry_is_made_again(baseline, tmp_path):
    first, _ = baseline()
    (entry,) = (tmp_path / "cache").glob("validation-*.json")
    rate = str(first["validation/toy0"][0][1])
    entry.write_text(entry.read_text().replace(rate, "1" + rate))
    assert baseline() == (first, 4)
    entry.write_text(entry.read_text()[:30])
    assert baseline() == (first, 4)


def test_figures_of_the_baselines(tmp_path, extension):
    config = toy_config(*CONFIG)
    corpus_with_ladder(tmp_path / "corpus")
    store = ClipStore(Engine(extension, EVENT, RECORD, SHOWN), config, tmp_path / "cache")
    try:
        clip = tmp_path / "corpus" / "toy0.y4m"
        instances = store.prepared([Instance("validation/toy0", "toy0", (clip,))])
        found = Validation(store, instances, config, tmp_path / "cache").baselines()
    finally:
        store.close()
    assert set(found) == {VBR, CONTROLLER}
    vbr = found[VBR]
    assert vbr["fill"] > 0 and 0 <= vbr["over"] <= 1 and vbr["worst_over"] > -1
    assert vbr["clips"] in (0, 1) and (vbr["clips"] == 0) == math.isnan(vbr["bd_vbr"])
    assert vbr["clips"] == 0 or vbr["bd_vbr"] == pytest.approx(0)
