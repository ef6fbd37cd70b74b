"""Rehearsals: the GOPs of the best encode in miniature are those of the one that counts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scene_samples import FRAMES, SCENES

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.film import key_frames
from encoder_bridge.encode.first_pass import clip_first_pass, with_notes_of
from encoder_bridge.encode.gop_shapes import OWN, GopShape, gop_starts
from encoder_bridge.encode.lookahead import lookahead_of
from muzero_rc.encoding import rehearsal
from muzero_rc.encoding.film import Film, cut, encode_film
from muzero_rc.encoding.gop_plan import GopPlan
from muzero_rc.encoding.gop_search import key_frames_of, usual_worth
from muzero_rc.encoding.part_store import PartStore
from muzero_rc.encoding.passes import NoPackets, second_pass
from muzero_rc.encoding.rehearsal import (
    Rehearsals,
    miniature,
    miniature_config,
    rehearse_clip,
    rehearsed_gops,
    rehearser,
    shared_targets,
)
from muzero_rc.encoding.splicing import best_gops

COUNT = 4


@pytest.fixture(scope="module")
def config(clip):
    return EncoderConfig(cpu_used=5, target_kbps=150).for_video(clip.width, clip.height, clip.fps)


@pytest.fixture(scope="module")
def first(clip, config):
    return clip_first_pass(clip, config)


@pytest.fixture(scope="module")
def controller():
    return _native.Policy("controller")


@pytest.fixture(scope="module")
def made(clip, first, config, controller):
    """What was asked of rehearsals, and what became of it."""
    asked = []
    with rehearser(clip, first, config, policy=controller) as encode:

        def rehearse(every):
            results = encode(every)
            asked.extend(zip(every, results, strict=True))
            return results

        return asked, rehearsed_gops(rehearse, lambda _: usual_worth(FRAMES), COUNT)


def better_by(result, segment, amount):
    """An encode whose frames of a segment have less error."""
    shown = result.shown.copy()
    shown["sse_y"][segment] = (shown["sse_y"][segment] * amount).astype(np.int64)
    return replace(result, shown=shown)


def probes_of(first, config):
    """What the probe encodes took, frame by frame, as the features have it."""
    tables = _native.feature_tables()
    clip = np.zeros(len(tables["clip"]), np.float32)
    frames = np.zeros((first.frames, len(tables["frame"])), np.float32)
    stats = np.ascontiguousarray(first.stats)
    _native.observe_clip(config.width, config.height, config.target_kbps, stats, clip, frames)
    names = [name for name, *_ in tables["frame"]]
    return frames[:, [names.index("quick_fine"), names.index("quick_coarse")]]


def test_a_miniature_is_half_as_large_at_the_same_steps(clip, config):
    small = miniature(clip)
    assert (small.width, small.height, small.frames) == (48, 32, clip.frames)
    settings = miniature_config(config.replace(max_kbps=300, buffer_kbits=300), clip, small)
    assert settings.target_kbps == round(150 * (48 * 32 / (clip.width * clip.height)) ** 0.65)
    assert (settings.max_kbps, settings.buffer_kbits, settings.cpu_used) == (0, 0, 5)
    most = miniature_config(config.replace(target_kbps=config.raw_kbps), clip, small)
    assert most.target_kbps == most.raw_kbps  # more than that libvpx would lower by itself
    assert miniature_config(config.replace(cpu_used=1), clip, small).cpu_used == rehearsal.CPU_USED


def test_key_frames_are_the_clip_s_and_notes_the_miniature_s(clip, first, config):
    small = miniature(clip)
    settings = miniature_config(config, clip, small)
    noted = clip_first_pass(small, settings)
    both = with_notes_of(first, noted)
    assert key_frames(both, settings) == key_frames(first, config) == list(SCENES)
    for name in lookahead_of(noted.stats).dtype.names:
        np.testing.assert_array_equal(lookahead_of(both.stats)[name], lookahead_of(noted.stats)[name])
    probes, own_probes, others = (probes_of(stats, settings) for stats in (both, noted, first))
    assert (probes == own_probes).all() and (probes != others).any()
    with pytest.raises(ValueError, match="frames at another size"):
        with_notes_of(first, replace(noted, stats=noted.stats[:-1]))


def test_all_rehearsals_have_the_clip_s_key_frames(made):
    asked, _ = made
    assert [shapes is None for shapes, _ in asked] == [True, *[False] * (COUNT - 1)]
    assert {key_frames_of(result) for _, result in asked} == {SCENES}
    assert len({result.shown["bytes"].sum() for _, result in asked}) > 1


def test_each_scene_has_the_gops_that_did_best_there(made):
    asked, _ = made
    results = [result for _, result in asked]
    scenes = [slice(a, b) for a, b in zip(SCENES, (*SCENES[1:], FRAMES), strict=True)]
    best = (2, 3, 1)
    encodes = iter(
        [
            better_by(result, scenes[best.index(i)], 0.1) if i in best else result
            for i, result in enumerate(results)
        ]
    )
    plan = rehearsed_gops(lambda every: [next(encodes) for _ in every], lambda _: usual_worth(FRAMES), COUNT)
    assert plan.starts == SCENES
    for scene, chosen, shapes in zip(scenes, best, plan.shapes, strict=True):
        begins = [at for at in gop_starts(results[chosen].records) if scene.start <= at < scene.stop]
        assert len(shapes) == len(begins)
        assert {shape.length for shape in shapes} - {OWN} == {asked[chosen][0][0].length}


def test_the_encode_that_counts_has_the_rehearsed_gops(clip, first, config, controller, made):
    asked, plan = made
    rehearsed_starts = set()
    for _, rehearsed in asked:
        gops = best_gops([rehearsed]).whole
        done = second_pass(clip, first, config, NoPackets(), policy=controller, shapes=gops)
        assert gop_starts(done.records) == gop_starts(rehearsed.records)
        rehearsed_starts.add(tuple(gop_starts(rehearsed.records)))
    done = second_pass(clip, first, config, NoPackets(), policy=controller, shapes=plan.whole)
    for start, end in zip(SCENES, (*SCENES[1:], FRAMES), strict=True):
        assert any(
            [at for at in gop_starts(done.records) if start <= at < end]
            == [at for at in starts if start <= at < end]
            for starts in rehearsed_starts
        )


def test_the_same_rehearsals_give_the_same_gops(clip, first, config, controller, made):
    told = []
    gops = rehearse_clip(
        clip, first, config, policy=controller, count=COUNT, on_progress=lambda *each: told.append(each)
    )
    again = rehearse_clip(clip, first, config, policy=controller, count=COUNT, workers=2)
    assert gops == again
    assert {number for number, _ in told} == {0}
    assert all(progress.packets <= COUNT * FRAMES for _, progress in told)


@pytest.mark.parametrize(("policy", "count"), [(None, 8), ("controller", 0), ("controller", 1)])
def test_nothing_to_choose_from(clip, first, config, policy, count):
    policy = policy and _native.Policy(policy)
    assert rehearse_clip(clip, first, config, policy=policy, count=count) is None


def test_parts_of_a_plan():
    shapes = tuple((GopShape(length), GopShape()) for length in (8, 12, 16))
    plan = GopPlan(SCENES, shapes)
    assert plan.whole == plan.within(0, FRAMES) == tuple(one for each in shapes for one in each)
    assert plan.within(SCENES[1], SCENES[2] - SCENES[1]) == shapes[1]
    assert plan.within(SCENES[1], FRAMES) == shapes[1] + shapes[2]
    assert plan.within(SCENES[1] + 1, 5) is None


def test_a_film_s_parts_have_their_gops(clip, first, config, controller, tmp_path):
    film = Film(
        clip=clip,
        first=first,
        starts=cut(first, config, 3),
        workers=2,
        store=PartStore(tmp_path / "parts"),
    )
    lengths = (8, 6, 10)
    plan = GopPlan(SCENES, tuple((GopShape(length),) * 3 for length in lengths))
    usual = encode_film(film, config, NoPackets(), policy=controller, progress=None)
    done = encode_film(film, config, NoPackets(), policy=controller, gops=plan, progress=None)
    assert film.starts == SCENES
    for shapes, length in zip(done.part_shapes, lengths, strict=True):
        assert [shape.length for shape in shapes[:3]] == [length] * min(3, len(shapes))
    assert usual.part_shapes != done.part_shapes  # nor were the parts of the one taken for the other's


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=12))
def test_targets_share_rehearsals_within_an_octave(targets):
    at = shared_targets(targets)
    assert at.keys() == set(targets) and set(at.values()) <= set(targets)
    assert all(middle <= 2 * target and target <= 2 * middle for target, middle in at.items())
    assert len(set(at.values())) <= len(at)
    assert all(at[middle] == middle for middle in at.values())


@pytest.mark.parametrize(
    ("targets", "middles"),
    [
        ([200, 400, 800], [400]),
        ([800, 100, 200, 1600], [200, 1600]),
        ([300], [300]),
        ([100, 201], [100, 201]),
    ],
)
def test_few_targets_are_rehearsed_at(targets, middles):
    assert sorted(set(shared_targets(targets).values())) == middles


def test_a_ladder_is_rehearsed_once(monkeypatch, clip, first, config, controller):
    asked = []

    def rehearse(clip, first, config, *, policy, count, workers, on_progress):
        asked.append((config.target_kbps, count))

    monkeypatch.setattr(rehearsal, "rehearse_clip", rehearse)
    rehearsals = Rehearsals(6, [100, 200, 400])
    for kbps in (100, 200, 400, 100, 900):
        rehearsals.gops(clip, first, config.replace(target_kbps=kbps), policy=controller)
    assert asked == [(200, 6), (900, 6)]
