"""Shape scans: every clip and target under the same trials, and the same scan goes on after any end."""

import json
import pickle

import pytest
from support.learn_samples import fake_engine, toy_config, toy_corpus

from muzero_rc.corpus.clips import find_clips
from muzero_rc.corpus.instances import Instance
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.farm import LocalFarm
from muzero_rc.encoding.gop_search import LONGEST, SHORTEST
from muzero_rc.errors import RunError
from muzero_rc.shapes.scan import LEAST_FRAMES, ScanPlan, scan
from muzero_rc.shapes.scan_file import read_rows
from muzero_rc.shapes.scan_folder import scan_folder
from muzero_rc.shapes.trials import KEEP, OWN, TRIALS, length_trials, with_strength

SCENES = (14, 14)


class CountingFarm(LocalFarm):
    """Sends every job through pickle, as a cluster does, and counts second passes at targets."""

    def __init__(self):
        super().__init__(2)
        self.played = 0
        self.most = None  # then it is killed

    def play(self, engine, jobs, decide=None, **rest):
        """See `Farm.play`."""
        for done in super().play(engine, (pickle.loads(pickle.dumps(job)) for job in jobs), decide, **rest):
            if done.job.mode == "policy":
                if self.played == self.most:
                    raise KeyboardInterrupt
                self.played += 1
            yield done


@pytest.fixture
def scanned(tmp_path):
    """Scans the corpus; returns the farm that did it."""

    def run(clips=2, most=None, places=(0.4,), scenes=SCENES):
        toy_corpus(tmp_path / "corpus", clips, scenes)
        paths = find_clips(tmp_path / "corpus")
        farm = CountingFarm()
        farm.most = most
        with ClipStore(fake_engine(), toy_config(), tmp_path / "cache", farm) as store:
            instances = [Instance(path.stem, path.stem, (path,)) for path in paths]
            scan(store, instances, ScanPlan(places), tmp_path / "scans.jsonl")
            farm.failures = store.failures
        return farm

    return run


def rows_in(folder):
    return list(read_rows(folder / "scans.jsonl"))


def test_trials_are_a_clips_own_and_vary_lengths_alone():
    trials = list(length_trials("a", 100))
    assert len(trials) == len({trial.name for trial in trials}) == TRIALS and trials[0].name == OWN
    assert trials == list(length_trials("a", 100)) != list(length_trials("b", 100))
    for trial in trials[1:]:
        assert sum(length for length, *_ in trial.shapes) >= 100
        assert all(SHORTEST <= shape[0] <= LONGEST and shape[1:] == (-1, -1, -1) for shape in trial.shapes)


def test_all_trials_are_scanned_at_the_strength_that_policies_set():
    for trial in length_trials("a", 100):
        assert with_strength(trial, KEEP, 30) == trial.shapes
        shapes = with_strength(trial, 3, 30)
        assert {shape[2] for shape in shapes} == {3} and len(shapes) >= 5
        assert [shape[0] for shape in shapes] == [s[0] for s in trial.shapes] or {s[0] for s in shapes} == {0}


def test_a_scan_has_each_encode_once(scanned, tmp_path):
    assert scanned(places=(0.3, 0.7)).played == 4 * TRIALS
    rows = rows_in(tmp_path)
    keys = {(row["clip"], row["kbps_asked"], row["trial"]) for row in rows}
    assert len(rows) == len(keys) == 4 * TRIALS
    own = {row["clip"]: row for row in rows if row["trial"] == OWN}
    assert all(len(row["frame_psnr"]) == sum(SCENES) for row in own.values())
    assert all(row["metric"] == "psnr" and row["db_per_percent"] > 0 for row in rows)
    assert scanned(places=(0.3, 0.7)).played == 0


@pytest.mark.parametrize("cut", [0, 1, 100])
def test_a_killed_scan_goes_on(scanned, tmp_path, cut):
    with pytest.raises(KeyboardInterrupt):
        scanned(most=15)
    path = tmp_path / "scans.jsonl"
    whole = path.read_bytes()
    assert whole.count(b"\n") == 15
    path.write_bytes(whole[: len(whole) - cut])
    assert scanned().played == 2 * TRIALS - 15 + (cut > 0)
    rows = rows_in(tmp_path)
    assert len({(row["clip"], row["trial"]) for row in rows}) == len(rows) == 2 * TRIALS


def test_another_clip_of_the_same_name_is_scanned_anew(scanned, tmp_path):
    scanned(1)
    path = tmp_path / "scans.jsonl"
    before = path.read_text()
    path.write_text(before.replace(json.loads(before.splitlines()[0])["clip_hash"], "0" * 16))
    assert scanned(1).played == TRIALS


def test_a_clip_that_is_too_short_is_left_out(scanned, tmp_path):
    farm = scanned(1, scenes=(LEAST_FRAMES - 1,))
    assert farm.played == 0 and not (tmp_path / "scans.jsonl").exists()
    assert farm.failures == {"toy0": f"it has {LEAST_FRAMES - 1} frames, and {LEAST_FRAMES} are needed"}


def test_folders_that_are_not_this_scans(tmp_path):
    folder = tmp_path / "run"
    with scan_folder(folder, {"cpu_used": 4}) as path:
        assert path.parent == folder
        with pytest.raises(RunError, match="in use by another process"), scan_folder(folder, {}):
            pass
    with scan_folder(folder, {"cpu_used": 4}):
        pass
    with (
        pytest.raises(RunError, match="was scanned with cpu_used = 4, not 2"),
        scan_folder(folder, {"cpu_used": 2}),
    ):
        pass
    (folder / "run.json").write_text('{"version": 1}')
    with pytest.raises(RunError, match="a run of another kind"), scan_folder(folder, {}):
        pass
    (folder / "run.json").write_text("{")
    with pytest.raises(RunError, match=r"run.json cannot be read"), scan_folder(folder, {}):
        pass
    (folder / "run.json").unlink()
    with pytest.raises(RunError, match="holds something else"), scan_folder(folder, {}):
        pass
