"""Which files are clips, the same for every command."""

import pytest

from muzero_rc.corpus.clips import VIDEO_SUFFIXES, CorpusError, find_clips


@pytest.fixture
def corpus(tmp_path):
    """Makes a folder of empty files."""

    def make(*names, folder="corpus"):
        (tmp_path / folder).mkdir(exist_ok=True)
        for name in names:
            (tmp_path / folder / name).touch()
        return tmp_path / folder

    return make


def test_a_folders_videos_by_name(corpus):
    folder = corpus("b.mkv", "a.Y4M", "notes.txt", "ladder.csv")
    (folder / "c.mp4").mkdir()
    assert find_clips(folder) == [folder / "a.Y4M", folder / "b.mkv"]


@pytest.mark.parametrize("suffix", [".ivf", ".mpg", ".ts", ".mkv", ".y4m"])
def test_what_a_report_takes_a_run_is_trained_on(corpus, suffix):
    folder = corpus(f"clip{suffix}")
    assert suffix in VIDEO_SUFFIXES and find_clips(folder) == [folder / f"clip{suffix}"]


def test_places_keep_their_order(corpus):
    one, two = corpus("z.mkv", folder="one"), corpus("a.mkv", "b.mkv", folder="two")
    assert [path.name for path in find_clips(one / "z.mkv", two)] == ["z.mkv", "a.mkv", "b.mkv"]


def test_two_clips_of_one_name_are_refused(corpus):
    """They would share an opponent, an anchor and a row of the report."""
    folder = corpus("a.mkv", "a.mp4")
    with pytest.raises(CorpusError, match=r"a\.mkv and .*a\.mp4 have the same name: rename one"):
        find_clips(folder)
    with pytest.raises(CorpusError, match="have the same name"):
        find_clips(folder / "a.mkv", corpus("a.mkv", folder="other"))


def test_a_corpus_that_is_none(corpus, tmp_path):
    with pytest.raises(CorpusError, match="none: no such folder or video"):
        find_clips(tmp_path / "none")
    with pytest.raises(CorpusError, match=r"no videos in it \(\.avi, "):
        find_clips(corpus("notes.txt"))
