"""Offline data sets: what Minari reads is what was played."""

import sys

import numpy as np
import pytest
from support.learn_samples import TINY, fake_engine, toy_config, toy_corpus

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.gop_shapes import GopShape
from encoder_bridge.env import PairedGain, Vp9EncodeEnv
from encoder_bridge.env.actions import LAYERS, LENGTHS, STRENGTHS
from encoder_bridge.testing.fake_pool import FakePool
from muzero_rc.cli import train
from muzero_rc.corpus.clips import CorpusError, find_clips
from muzero_rc.corpus.ladder import LadderError
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.errors import DatasetError
from muzero_rc.experience.episode import SELFPLAY, Name
from muzero_rc.experience.episode_log import EpisodeWriter
from muzero_rc.experience.make_episode import make_episode
from muzero_rc.experience.minari_writer import check_name
from muzero_rc.experience.offline_dataset import ScanPlan, of_run, scanned, write_dataset
from muzero_rc.experience.offline_episodes import (
    INFOS,
    NEUTRAL,
    OFFSETS,
    OWN_SHAPE,
    play,
    replayed,
    scans,
)

NAME = "vp9/encode/scans-v0"


@pytest.fixture
def environment(clips):
    """Over the fake pool."""
    env = Vp9EncodeEnv([clips[FakePool]], [60], offsets=OFFSETS, reward=PairedGain(), new_pool=FakePool)
    yield env
    env.close()


def played(env, count=3):
    return [
        play(env, scan.decider(), {"source": scan.name})
        for scan in scans(count, 12, 25, np.random.default_rng(0))
    ]


def test_minari_reads_what_was_written(environment, tmp_path, monkeypatch):
    minari = pytest.importorskip("minari")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    episodes = played(environment)
    path = write_dataset(episodes, NAME, tmp_path, "A test.", print)
    assert path == tmp_path / "vp9" / "encode" / "scans-v0"
    assert NAME in minari.list_local_datasets() and not list(tmp_path.glob(".*"))
    dataset = minari.load_dataset(NAME)
    assert dataset.total_episodes == 3
    assert dataset.observation_space == environment.observation_space
    assert dataset.action_space == environment.action_space
    for read, episode in zip(dataset.iterate_episodes(), episodes, strict=True):
        assert np.array_equal(read.actions, episode.actions)
        assert np.array_equal(read.rewards, episode.rewards)
        assert list(read.terminations) == [False] * (len(episode.actions) - 1) + [True]
        for name, array in episode.observations.items():
            assert np.array_equal(read.observations[name], array)
        for name, array in episode.infos.items():
            assert np.array_equal(read.infos[name], array)
    notes = list(dataset.storage.get_episode_metadata([0, 1, 2]))
    assert [note["source"] for note in notes] == ["controller", "offsets", "both"]
    assert dataset.recover_environment().action_space == environment.action_space


def test_a_data_set_appears_whole_or_not_at_all(environment, tmp_path):
    pytest.importorskip("minari")

    def broken():
        yield from played(environment, 1)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        write_dataset(broken(), NAME, tmp_path, "A test.", print)
    assert not list(tmp_path.iterdir())
    with pytest.raises(DatasetError, match="no episodes"):
        write_dataset([], NAME, tmp_path, "A test.", print)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["scans", "a b-v0", "../scans-v0", "/scans-v0", ""])
def test_names_that_minari_would_not_take_are_refused(tmp_path, name):
    with pytest.raises(DatasetError, match="use a name such as"):
        check_name(name, tmp_path)


def test_an_existing_data_set_is_not_overwritten(tmp_path):
    (tmp_path / NAME).mkdir(parents=True)
    with pytest.raises(DatasetError, match="exists"):
        check_name(NAME, tmp_path)


def test_an_episode_is_what_the_environment_gave(environment):
    (episode,) = played(environment, 1)
    count = len(episode.actions)
    assert len(episode.rewards) == count and set(episode.infos) == set(INFOS)
    assert all(len(array) == count + 1 for array in episode.observations.values())
    assert episode.note["clip"] == "synthetic" and episode.note["target_kbps"] == 60
    assert {tuple(action) for action in episode.actions} == {(*OWN_SHAPE, NEUTRAL)}
    assert sum(episode.rewards) == pytest.approx(-500 * episode.note["overshoot"])
    assert episode.infos["bits"][0] == -1 and episode.infos["reference_qindex"][-1] == -1


def test_a_replay_is_the_same_encode(clips):
    env = Vp9EncodeEnv([clips[FakePool]], [60], offsets=OFFSETS, guard=False, new_pool=FakePool)
    qindexes = [90, 200, 60, 77, 150, 30, 240, 99, 101, 120, 130, 111]
    episode = play(env, replayed(qindexes), {})
    used = episode.infos["qindex"]
    assert list(used[used >= 0]) == qindexes
    env.close()


def test_a_runs_episodes_are_played_again(tmp_path):
    config, engine = toy_config(*TINY, "encode.lag_in_frames=16"), fake_engine()
    corpus = tmp_path / "corpus"
    toy_corpus(corpus, 2)
    with ClipStore(engine, config, tmp_path / "cache") as store:
        (instance, *_) = store.prepared_corpus(find_clips(corpus))
        shapes = [GopShape(5), GopShape(7, layers=2, strength=3)]
        job = store.job("one", instance, 90, guard=False, shapes=shapes)
        (done,) = store.played([job], lambda events, jobs: 60 + 10 * events["layer"])
        name = Name("one", "agent")
        episode = make_episode(store, done, name, instance, source=SELFPLAY, greedy=True, step=7)
        with EpisodeWriter(tmp_path / "run" / "episodes") as writer:
            writer.append(episode)
        (offline,) = of_run(tmp_path / "run", corpus, config, store, new_pool=FakePool)
        assert (offline.note["uid"], offline.note["source"], offline.note["step"]) == ("one", SELFPLAY, 7)
        assert offline.note["kbps"] == pytest.approx(episode.rate_kbps)
        asked = offline.actions[offline.infos["asks_shape"][:-1] == 1]
        assert [LENGTHS[length] for length in asked[:2, 0]] == [5, 7]
        assert offline.note["psnr_y_db"] == pytest.approx(episode.psnr_y_db)
        with pytest.raises(CorpusError):
            list(of_run(tmp_path / "run", tmp_path / "nowhere", config, store, new_pool=FakePool))


def test_scans_are_the_seeds_and_keep_to_what_is_possible():
    def drawn(seed):
        return list(scans(7, 40, 16, np.random.default_rng(seed)))

    assert drawn(1) == drawn(1) != drawn(2)
    first, *others = drawn(1)
    assert (first.name, first.shapes, first.offsets) == ("controller", (), {})
    assert {scan.name for scan in others} == {"shapes", "offsets", "both"}
    for scan in others:
        for length, layers, strength in scan.shapes:
            assert LENGTHS[length] <= 14 and layers < len(LAYERS) and strength < len(STRENGTHS)


def test_files_are_scanned(footage, tmp_path):
    path = footage("scanned.mkv")
    config = EncoderConfig(cpu_used=5)
    episodes = list(scanned(path, config, ScanPlan((40, 80), episodes=2)))
    assert [(e.note["target_kbps"], e.note["source"]) for e in episodes] == [
        *((40, "controller"), (40, "offsets"), (80, "controller"), (80, "offsets"))
    ]
    with pytest.raises(LadderError, match=r"ladder-pyramid\.csv"):
        list(scanned(path, config, ScanPlan()))


def test_rc_train_writes_a_data_set(footage, tmp_path, capsys):
    pytest.importorskip("minari")
    path = footage("scanned.mkv")
    words = ["dataset", str(path), "-o", NAME, "--folder", str(tmp_path), "--episodes", "1"]
    assert train.main([*words, "--bitrates", "50k"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / NAME)
    assert (tmp_path / NAME / "data" / "metadata.json").exists()
    assert train.main([*words, "--bitrates", "50k"]) == 2
    assert "exists" in capsys.readouterr().err


def test_rc_train_asks_for_the_clips_of_a_run(tmp_path, capsys):
    pytest.importorskip("minari")
    (tmp_path / "run.json").write_text("{}")
    assert train.main(["dataset", str(tmp_path), "-o", NAME]) == 2
    assert "--corpus" in capsys.readouterr().err


def test_rc_train_says_what_to_install(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "minari", None)
    assert train.main(["dataset", str(tmp_path), "-o", NAME]) == 2
    assert "pip install 'muzero-rc[dataset]'" in capsys.readouterr().err
