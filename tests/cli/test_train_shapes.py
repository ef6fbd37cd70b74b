"""rc-train shapes, the whole command, on the fake encoder."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from support.learn_samples import fake_engine, toy_corpus

from encoder_bridge import _native
from encoder_bridge.encode.layouts import SHOWN
from encoder_bridge.encode.lookahead import look_ahead
from encoder_bridge.testing.fake_pool import FakePool
from encoder_bridge.testing.knapsack_optimum import TOY_CONFIG
from muzero_rc.cli.train import main
from muzero_rc.deploy.policy_file import read_metadata
from muzero_rc.shapes.fit import USUAL, FitSettings
from muzero_rc.shapes.scan_file import read_rows
from muzero_rc.shapes.trials import TRIALS, UNIFORM

DISLIKED = 8
"""The further GOPs are from this length, the worse are the pictures here; but short ones cost bits."""
SCENES = (15, 15)


class PickyPool(FakePool):
    """A fake encoder whose pictures are the worse the further its GOPs are from a length."""

    def shown(self, slot):
        """See `_native.pyi`."""
        shown = np.frombuffer(super().shown(slot), SHOWN).copy()
        starts = np.array([begin for _, begin in self._encode(slot).gops])
        lengths = np.diff([*starts, len(shown) - 1])
        of = np.maximum(np.searchsorted(starts, np.arange(len(shown))) - 1, 0)
        octaves = np.abs(np.log2(np.maximum(lengths[of], 1) / DISLIKED))
        shown["sse_y"] = shown["sse_y"] * 10 ** (0.1 * octaves)
        return shown.tobytes()


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A corpus, and the fake in libvpx's place."""
    toy_corpus(tmp_path / "corpus", 2, SCENES)
    (tmp_path / "empty").mkdir()
    fake = fake_engine()
    picky = replace(fake, native=SimpleNamespace(**vars(fake.native) | {"Pool": PickyPool}))
    monkeypatch.setattr("muzero_rc.encoding.engine.libvpx_engine", lambda: picky)
    return tmp_path


def preferred_length(policy, frames, begin=1):
    """Of the GOPs that may begin at a frame, how long the one is that a policy values most."""
    found = look_ahead(frames, TOY_CONFIG.width, TOY_CONFIG.height)
    x = np.zeros((len(frames), 20, len(_native.feature_tables()["shape"])), np.float32)
    _native.shape_features(found, 4.0, x)
    worth = np.zeros(20, np.float32)
    _native.Policy(str(policy)).shape_worth(x[begin], worth)
    return 4 + int(worth.argmax())


def best_length(rows):
    """Of the lengths that were tried throughout, the one with the most gain."""
    gains = {
        length: [row["gain"] for row in rows if row["trial"] == f"length-{length}"] for length in UNIFORM
    }
    return max(gains, key=lambda length: np.mean(gains[length]))


def test_one_command_trains_and_goes_on(place, invoke, monkeypatch):
    """A clip that is none is left out, a torn scan is mended, and what is best is learned."""
    monkeypatch.setattr("muzero_rc.shapes.train.SHIPPED", FitSettings(networks=2))  # for the sake of time
    (place / "corpus" / "broken.mkv").write_bytes(b"no video" * 99)
    words = ("shapes", place / "corpus", "-o", place / "mine.safetensors", "--jobs", 2)
    ran = invoke(main, *words)
    assert ran.status == 0 and ran.out == f"{place / 'mine.safetensors'}\n", ran.err
    assert "3 of 3 clips scanned" in ran.err and f"{2 * TRIALS} encodes of 2 clips" in ran.err
    rows = list(read_rows(place / "mine.run" / "scans.jsonl"))
    assert best_length(rows) == 12 < USUAL
    frames = toy_corpus(place / "same", 1, SCENES)["toy0"]
    assert abs(preferred_length(place / "mine.safetensors", frames) - 12) <= 2
    notes = read_metadata(place / "mine.safetensors")["provenance"]
    assert notes["encodes"] == 2 * TRIALS and notes["clips"] == 2 and notes["metric"] == "psnr"
    assert notes["libvpx_runtime"] == _native.versions()["libvpx_runtime"]

    scans = place / "mine.run" / "scans.jsonl"
    policy = (place / "mine.safetensors").read_bytes()
    scans.write_bytes(scans.read_bytes()[:-1000])
    (place / "mine.safetensors").unlink()
    ran = invoke(main, *words)
    assert ran.status == 0, ran.err
    assert [key(row) for row in read_rows(scans)] == [key(row) for row in rows]
    assert (place / "mine.safetensors").read_bytes() == policy

    ran = invoke(main, *words, "--scans", scans, "--folds", 2, "--careful")
    assert ran.status == 0 and "scan of" not in ran.err and "left out: correlation" in ran.err
    assert "strange" in read_metadata(place / "mine.safetensors")["shapes"]
    tried = read_metadata(place / "mine.safetensors")["provenance"]
    assert tried["corpus_hash"] == notes["corpus_hash"]
    assert tried["figures"]["left_out_correlation"] > 0


def key(row):
    """Names an encode."""
    return row["clip"], row["kbps_asked"], row["trial"]


def refused(ran):
    """The last line that a command said when it refused."""
    assert ran.status == 2 and ran.out == "", ran
    line = ran.err.splitlines()[-1]
    assert line.startswith("rc-train")
    return line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{}/empty", "-o", "{}/x.safetensors"], "empty: no videos in it (.avi, "),
        (["{}/none", "-o", "{}/x.safetensors"], "none: no such folder"),
        (["{}/corpus", "-o", "{}/none/x.safetensors"], "none does not exist"),
        (["{}/corpus", "-o", "{}/empty"], "empty is a folder"),
        (["{}/corpus", "-o", "{}/x.safetensors", "--folds", "1"], "--folds 1: use 2 or more"),
        (["{}/corpus", "-o", "{}/x.safetensors", "--folds", "3"], "--folds 3: clips of 2 originals"),
        (["{}/corpus", "-o", "{}/x.safetensors", "--places", "1.5"], "--places 1.5: use numbers from 0 to 1"),
        (["{}/corpus", "-o", "{}/x.safetensors", "--jobs", "0"], "--jobs 0: at least 1"),
        (["{}/corpus", "-o", "{}/x.safetensors", "--metric", "mse"], "must be psnr, ssim, vmaf or vmaf-neg"),
        (["{}/corpus", "-o", "{}/x.safetensors", "--set", "encode.cpu=2"], "encode.cpu"),
        (["{}/corpus", "-o", "{}/x.safetensors", "--run-dir", "{}/corpus"], "holds something else"),
        (["{}/corpus", "-o", "{}/x.safetensors", "--farm", "moon"], "farm 'moon' is unknown"),
        (["{}/corpus", "-o", "{}/x.safetensors", "--scans", "{}/none"], "none cannot be read: no such file"),
    ],
)
def test_what_cannot_begin(place, invoke, words, said):
    line = refused(invoke(main, "shapes", *(word.format(place) for word in words)))
    assert said in line and not (place / "x.safetensors").exists() and not (place / "x.run").exists()


def test_a_corpus_of_broken_clips_alone(place, invoke):
    (place / "empty" / "broken.mkv").write_bytes(b"no video" * 99)
    line = refused(invoke(main, "shapes", place / "empty", "-o", place / "x.safetensors"))
    assert "none of the 1 clips can be scanned" in line


def test_scans_that_do_not_fit(place, invoke):
    scans = place / "scans.jsonl"
    words = ("shapes", place / "corpus", "-o", place / "x.safetensors", "--scans", scans)
    scans.write_text("")
    assert "no clip can be learned from" in refused(invoke(main, *words))
    row = {"clip": "toy0", "kbps_asked": 9, "trial": "own", "kbps": 9.0, "psnr_y_db": 30.0}
    row |= {"db_per_percent": 0.1, "frames": {}, "frame_psnr": [], "metric": "ssim"}
    scans.write_text(json.dumps(row) + "\n")
    assert "measured by ssim, not psnr: use --metric" in refused(invoke(main, *words))
    assert "no clip can be learned from" in refused(invoke(main, *words, "--metric", "ssim"))
