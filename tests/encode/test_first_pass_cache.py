import pytest

from encoder_bridge.encode import first_pass_cache as cache
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.errors import BadInput
from encoder_bridge.media.decode import open_clip


@pytest.fixture
def small(footage):
    with open_clip(footage("cached.mkv")) as clip:
        yield clip


def entries(folder):
    return sorted((folder / "muzero-rc" / "first-pass").glob("*"))


def made(clip, config=None):
    """Whether this first pass really ran, and what came of it."""
    ran = []
    first = clip_first_pass(clip, config or EncoderConfig(), progress=ran.append)
    return bool(ran), first


def test_a_second_time_runs_nothing_and_gives_the_same(small, own_cache):
    ran, first = made(small)
    again, cached = made(small, EncoderConfig(target_kbps=99))
    assert (ran, again) == (True, False)
    assert cached.blob == first.blob and (cached.stats == first.stats).all()
    assert first.stats.shape == (12, 25)
    assert len(entries(own_cache)) == 1


def test_other_settings_frames_and_contents_are_other_entries(small, footage, own_cache):
    made(small)
    assert made(small, EncoderConfig(lag_in_frames=5))[0]
    with open_clip(small.path, max_frames=5) as shorter:
        assert made(shorter)[1].frames == 5
    with open_clip(footage("other.mkv", "size=64x48:rate=24")) as other:
        assert made(other)[0]
    assert len(entries(own_cache)) == 4


@pytest.mark.parametrize("damage", [b"", b"muzero-rc", None])
def test_a_damaged_entry_is_made_again(small, own_cache, damage):
    _, first = made(small)
    (entry,) = entries(own_cache)
    whole = entry.read_bytes()
    turned = bytes(255 - byte for byte in whole[-9:])  # newer libvpx ends its statistics with zeros
    entry.write_bytes(whole[:-9] + turned if damage is None else damage)
    ran, again = made(small)
    assert ran and again.blob == first.blob
    assert entry.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_done_without(small, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "below"))
    assert made(small)[0] and made(small)[0]


def test_the_default_folder_is_the_users(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert str(cache.cache_folder()) == "/home/somebody/.cache/muzero-rc"


def test_a_clip_that_lost_frames_is_not_cached(small, own_cache, tmp_path):
    from dataclasses import replace

    with pytest.raises(BadInput, match="12 of 30 frames"):
        clip_first_pass(replace(small, frames=30), EncoderConfig())
    assert entries(own_cache) == []
