"""The clip store: everything is made once, and what is damaged is made again."""

import pytest
from support.learn_samples import fake_engine, toy_config, toy_corpus

from muzero_rc.corpus.clips import CorpusError, find_clips
from muzero_rc.corpus.instances import build_instances
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.farm import LocalFarm


@pytest.fixture
def prepare(tmp_path):
    """Prepares the corpus in a new store; returns how many passes that took and what came of it."""
    toy_corpus(tmp_path / "corpus", 1)

    def run():
        config, ran = toy_config(), []
        with ClipStore(fake_engine(), config, tmp_path / "cache") as store:
            play = store.play
            store.play = lambda jobs, *rest, **more: play(
                (ran.append(job.name) or job for job in jobs), *rest, **more
            )
            instances = build_instances(find_clips(tmp_path / "corpus"), config.data, config.seed)
            usable = store.prepared(instances)
            stats = [store.frame_stats(one.name).tolist() for one in usable]
            return ran, (usable, [store.anchor(one) for one in usable], store.quality, stats, store.failures)

    return run


def test_a_second_store_encodes_nothing_and_knows_the_same(prepare):
    passes, first = prepare()
    assert passes == ["toy0", "toy0 cq50", "toy0 cq40", "toy0 cq30", "toy0 cq20"]
    assert len(first[0]) == 1 and first[-1] == {}
    assert prepare() == ([], first)


@pytest.mark.parametrize(
    ("files", "again"),
    [("first-pass/*", ["toy0"]), ("anchors/*", ["toy0 cq50", "toy0 cq40", "toy0 cq30", "toy0 cq20"])],
)
def test_a_damaged_entry_is_made_again(prepare, tmp_path, files, again):
    _, first = prepare()
    (entry,) = (tmp_path / "cache").glob(files)
    whole = entry.read_bytes()
    entry.write_bytes(whole[: len(whole) // 2])
    assert prepare() == (again, first)
    assert entry.read_bytes() == whole


def test_a_clip_that_cannot_be_decoded_is_counted_and_left_out(prepare, tmp_path):
    (tmp_path / "corpus" / "broken.mkv").write_bytes(b"no video" * 99)
    _, (usable, *_, failures) = prepare()
    assert [one.name for one in usable] == ["toy0"] and set(failures) == {"broken"}


def test_a_corpus_of_which_nothing_can_be_encoded_is_refused(tmp_path):
    (tmp_path / "broken.mkv").write_bytes(b"no video" * 99)
    with (
        ClipStore(fake_engine(), toy_config(), tmp_path / "cache") as store,
        pytest.raises(CorpusError, match=f"corpus {tmp_path}: none of its 1 clips can be encoded"),
    ):
        store.prepared_corpus(find_clips(tmp_path))


def test_its_own_farm_is_closed_whatever_happens(tmp_path):
    with pytest.raises(KeyError), ClipStore(fake_engine(), toy_config(), tmp_path) as store:
        closed, close = [], store.farm.close
        store.farm.close = lambda: closed.append(close())
        raise KeyError
    assert closed == [None]


def test_a_farm_that_was_given_stays_open(tmp_path):
    farm = LocalFarm(1)
    with ClipStore(fake_engine(), toy_config(), tmp_path, farm) as store:
        assert store.farm is farm
    assert farm.submit(abs, -1).result() == 1
    farm.close()
