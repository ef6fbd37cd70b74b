"""A film in parts: one budget, no seam, nothing done twice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.scene_samples import FRAMES, SCENES

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.film import FilmPart, deal, key_frames
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.encode.layouts import KEY
from encoder_bridge.encode.lookahead import lookahead_of
from encoder_bridge.encode.run import encode
from encoder_bridge.errors import BadInput, EncodeFailed
from encoder_bridge.media.decode import open_frames, read_frames
from encoder_bridge.media.ivf import ivf_file
from muzero_rc.encoding import film as film_module
from muzero_rc.encoding.film import Film, cut, encode_film, play_film
from muzero_rc.encoding.part_store import PartStore
from muzero_rc.encoding.replays import Candidate, refill_plan
from muzero_rc.encoding.workers import run_all

KBPS = 150


@pytest.fixture(scope="module")
def config(clip):
    return EncoderConfig(cpu_used=5, target_kbps=KBPS).for_video(clip.width, clip.height, clip.fps)


@pytest.fixture(scope="module")
def first(clip, config, tmp_path_factory):
    return clip_first_pass(clip, config, folder=tmp_path_factory.mktemp("first"))


@pytest.fixture
def film(clip, first, config, tmp_path):
    store = PartStore(tmp_path / "parts")
    return Film(clip=clip, first=first, starts=cut(first, config, 3), workers=2, store=store)


@pytest.fixture(scope="module")
def controller():
    return _native.Policy("controller")


def bytes_of(result, start, end):
    return int(result.shown["bytes"][start:end].sum())


def asked_of_keys(result):
    return result.records["asked"][result.records["frame_type"] == KEY]


def test_a_film_is_cut_where_libvpx_puts_key_frames(film, first, config, clip):
    assert key_frames(first, config) == list(SCENES) == list(film.starts)
    whole = encode(read_frames(clip), first, config)
    assert [*np.flatnonzero(whole.shown["key"])] == list(SCENES)
    assert cut(first, config, 1) == (0,)
    assert cut(first, config, 2) in ((0, 26), (0, 56))


def test_a_part_that_is_the_whole_film_is_coded_as_ever(clip, first, config):
    frames = read_frames(clip)
    part = FilmPart(first, 0, first.frames, 1000 * KBPS * clip.seconds)
    alone = encode(frames, first, config, keep_packets=True)
    again = encode(frames, part.first_pass, config, part=part, keep_packets=True)
    assert again.packets == alone.packets


def test_a_part_has_the_films_notes(first):
    part = FilmPart(first, 26, 30, 1e5)
    own, film = lookahead_of(part.first_pass.stats), lookahead_of(first.stats)
    assert np.array_equal(own["luma"], film["luma"][26:56])


def test_one_budget_gives_parts_different_rates(first, config):
    parts = deal(first, config, SCENES)
    rates = [part.bits / part.frames for part in parts]
    assert sum(part.bits for part in parts) == pytest.approx(1000 * KBPS * FRAMES / 25, rel=1e-6)
    assert max(rates) > 1.5 * min(rates)
    with pytest.raises(BadInput):
        deal(first, config, (0, 56, 26))


def test_joined_parts_are_the_film_and_decode_as_they_do_alone(film, config, clip, controller, tmp_path):
    with ivf_file(clip) as writer:
        result = encode_film(film, config, writer, policy=controller, progress=None)
        decoded = read_frames(writer.path)
    assert result.frames == len(decoded) == FRAMES
    assert [*result.shown["pts"]] == [*range(FRAMES)]
    assert [*np.flatnonzero(result.shown["key"])] == list(SCENES)
    assert result.kbps <= KBPS and result.fill > 0.8
    source = read_frames(clip)
    errors = np.square(source[:, : 96 * 64].astype(np.int64) - decoded[:, : 96 * 64]).sum(axis=1)
    assert np.array_equal(errors, result.shown["sse_y"])  # as each part's own encoder saw it: no drift


def test_what_is_left_over_is_spent_by_all_parts_together(film, config, clip, controller):
    with ivf_file(clip) as writer, ivf_file(clip) as again:
        before = encode_film(film, config, writer, policy=controller, progress=None)
        plan = refill_plan(Candidate.of(1, before), before)
        after = play_film(film, config, again, plan, before, progress=None)
    assert after.frames == FRAMES
    assert before.fill < after.fill <= 1
    # What libvpx makes of a qindex may move a GOP's end, so records are not as many: frames are.
    assert [*after.shown["pts"]] == [*range(FRAMES)]
    keys, finer = ([*asked_of_keys(result)] for result in (before, after))
    assert len(keys) == len(SCENES) and all(np.subtract(keys, finer) > 0)


def test_the_number_of_workers_changes_nothing(film, config, clip, controller, tmp_path):
    payloads = []
    for workers in (1, 3):
        store = PartStore(tmp_path / f"by-{workers}")
        crew = Film(clip=clip, first=film.first, starts=film.starts, workers=workers, store=store)
        with ivf_file(clip) as writer:
            encode_film(crew, config, writer, policy=controller, progress=None)
            payloads.append(writer.checksums)
    assert payloads[0] == payloads[1]


def test_finished_parts_are_not_made_again(film, config, clip, controller, monkeypatch):
    film, made, second_pass = replace(film, workers=1), [], film_module.second_pass

    def fails_at(start):
        def counted(clip, first, config, sink, *, part, **options):
            if part.first == start:
                raise EncodeFailed("this part fails")
            made.append(part.first)
            return second_pass(clip, first, config, sink, part=part, **options)

        monkeypatch.setattr(film_module, "second_pass", counted)
        with ivf_file(clip) as writer:
            return encode_film(film, config, writer, policy=controller, progress=None)

    with pytest.raises(EncodeFailed, match="this part fails"):
        fails_at(SCENES[2])
    kept = [*film.store.folder.iterdir()]
    assert made == [*SCENES[:2]] and len(kept) == 2
    kept[0].write_bytes(kept[0].read_bytes()[:-1])
    made.clear()
    assert fails_at(None).frames == FRAMES
    assert len(made) == 2 and SCENES[2] in made  # the damaged one, and the one that failed


def test_a_part_of_a_file_is_decoded_alone(clip):
    with open_frames(clip, part=(26, 30)) as pipe:
        data = np.frombuffer(pipe.stdout.read(), np.uint8).reshape(-1, clip.frame_bytes)
        pipe.check(len(data))
    assert np.array_equal(data, read_frames(clip)[26:56])


def test_one_failure_stops_the_others_and_is_told():
    def fails(told):
        raise EncodeFailed("no")

    def goes_on(told):
        from encoder_bridge.encode.waiting import Progress

        while True:
            told(Progress(1, 1, 1))

    with pytest.raises(EncodeFailed, match=r"^no$"):
        run_all([goes_on, fails, goes_on], 3)


def test_a_store_that_cannot_be_written_is_done_without(tmp_path):
    (tmp_path / "file").touch()
    store = PartStore(Path(tmp_path / "file" / "parts"))
    with store.store("a", b"data") as kept:
        kept.seek(0)
        assert kept.read().endswith(b"data")
    assert store.load("a") is None


def test_films_that_were_left_behind_are_removed(tmp_path):
    old, new = PartStore(tmp_path / "parts" / "old"), PartStore(tmp_path / "parts" / "new")
    old.store("a", b"1").close()
    now = (tmp_path / "parts" / "old").stat().st_mtime
    new.remove_old(now + 13 * 86400)
    assert old.load("a") is not None
    new.remove_old(now + 15 * 86400)
    assert not old.folder.exists()
