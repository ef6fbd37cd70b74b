"""Plans: from one encode to another, whose GOPs may lie elsewhere."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.learn_samples import RECORD

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.gop_shapes import GopShape, gop_starts
from encoder_bridge.encode.layouts import ALTREF, GOLDEN, INTER, KEY, OVERLAY, SHOW_EXISTING
from encoder_bridge.encode.run import encode
from encoder_bridge.encode.session import Session
from encoder_bridge.env.clips import synthetic_clip
from muzero_rc.demonstrations.cma_search import genes_of
from muzero_rc.encoding.qindex_plan import (
    PlanFollower,
    QindexPlan,
    between,
    constant_plan,
    plan_of_json,
    plan_of_records,
)

# A GOP of three: key, an alt-ref for frame 3, its frames, the overlay; then another alt-ref.
NAMED = QindexPlan(
    qindex=(40, 20, 60, 61, 65, 21, 62),
    frame_type=(KEY, ALTREF, INTER, INTER, OVERLAY, ALTREF, INTER),
    layer=(0, 1, 2, 2, 2, 1, 2),
    show_index=(0, 3, 1, 2, 3, 6, 4),
)
# The same, as packets tell it.
READ = QindexPlan(
    qindex=NAMED.qindex,
    frame_type=(KEY, ALTREF, INTER, INTER, INTER, ALTREF, INTER),
    layer=(0,) * 7,
    show_index=(0, 1, 1, 2, 3, 4, 4),
    named=False,
)
OWN = [(KEY, 0), (ALTREF, 3), (INTER, 1), (INTER, 2), (OVERLAY, 3), (ALTREF, 6), (INTER, 4)]


def records(*frames):
    made = np.zeros(len(frames), RECORD)
    for row, (kind, show, qindex) in zip(made, frames, strict=True):
        row["frame_type"], row["show_index"], row["qindex"], row["bits"] = kind, show, qindex, 100
    return made


def frame(frame_type, show_index, layer=None):
    """What libvpx says of a frame; by default alt-refs are of layer 1 and shown frames of layer 2."""
    if layer is None:
        layer = {KEY: 0, ALTREF: 1}.get(frame_type, 2)
    return {"frame_type": frame_type, "show_index": show_index, "layer": layer}


def answers(plan, frames):
    follower = PlanFollower(plan)
    return [follower.answer(frame(*one)) for one in frames]


@pytest.mark.parametrize("plan", [NAMED, READ], ids=["named", "read from packets"])
def test_the_same_frames_get_the_same_answers(plan):
    assert answers(plan, OWN) == list(plan.qindex)


def test_a_pyramid_that_packets_do_not_name_is_followed_by_its_order():
    plan = QindexPlan((40, 20, 30, 60), (KEY, ALTREF, ALTREF, INTER), (0,) * 4, (0, 1, 1, 1), named=False)
    assert answers(plan, [(KEY, 0), (ALTREF, 8, 1), (ALTREF, 4, 2), (INTER, 1, 3)]) == [40, 20, 30, 60]


@pytest.mark.parametrize("plan", [NAMED, READ], ids=["named", "read from packets"])
def test_where_gops_differ_the_nearest_of_the_kind_is_taken(plan):
    frames = [(KEY, 0), (INTER, 1), (ALTREF, 5), (INTER, 2), (INTER, 3), (INTER, 9), (KEY, 30)]
    assert answers(plan, frames) == [40, 60, 21, 61, 65, 62, 40]


def test_a_shift_by_one_place_is_no_reason_to_take_the_neighbours_answer():
    frames = [(KEY, 0), *((INTER, i) for i in range(1, 5))]  # no alt-ref: all places are off by one
    assert answers(READ, frames) == [40, 60, 61, 65, 62]


def test_the_nearest_layer_comes_before_the_nearest_place():
    plan = QindexPlan(
        qindex=(50, 60, 80, 120, 130, 140),
        frame_type=(KEY, ALTREF, ALTREF, INTER, INTER, OVERLAY),
        layer=(0, 1, 2, 3, 3, 3),
        show_index=(0, 8, 4, 1, 2, 8),
    )
    assert answers(plan, [(ALTREF, 10, 1)]) == [60]
    assert answers(plan, [(ALTREF, 6, 2)]) == [80]
    assert answers(plan, [(ALTREF, 8, 3)]) == [80]
    assert answers(plan, [(GOLDEN, 3, 3)]) == [130]
    assert answers(plan, [(OVERLAY, 9, 1)]) == [140]
    assert answers(plan, [(KEY, 30, 0)]) == [50]


def test_a_kind_that_the_plan_has_not_gets_any_other():
    assert answers(constant_plan(77), [(KEY, 0), (ALTREF, 4), (INTER, 1), (GOLDEN, 2)]) == [77] * 4


def frames_of(*kinds):
    return st.tuples(st.sampled_from(kinds), st.integers(0, 9), st.integers(0, 5))


@given(
    st.lists(frames_of(KEY, INTER, ALTREF), min_size=1, unique=True), frames_of(KEY, INTER, ALTREF, GOLDEN)
)
def test_the_answer_is_the_nearest_of_all(frames, wanted):
    """The look-up by layer against the rule as it reads."""
    types, shown, layers = zip(*frames, strict=True)
    follower = PlanFollower(QindexPlan(tuple(range(len(frames))), types, layers, shown))
    for one in frames:
        follower.answer(frame(*one))
    answer = follower.answer(frame(*wanted))  # past the end: no frame has its own place

    def distance(i):
        kind = INTER if wanted[0] == GOLDEN else wanted[0]
        return (types[i] != kind, abs(layers[i] - wanted[2]), abs(shown[i] - wanted[1]))

    assert distance(answer) == min(map(distance, range(len(frames))))


def test_a_plan_of_records_leaves_show_existing_frames_out():
    made = plan_of_records(records((KEY, 0, 40), (ALTREF, 2, 20), (SHOW_EXISTING, -1, 20), (INTER, 1, 60)))
    assert made == QindexPlan((40, 20, 60), (KEY, ALTREF, INTER), (0, 0, 0), (0, 2, 1))


def test_between_plans():
    other = replace(NAMED, qindex=tuple(q + 100 for q in NAMED.qindex))
    assert between(NAMED, other, 0.5).qindex == tuple(q + 50 for q in NAMED.qindex)
    assert between(NAMED, other, -9.0).qindex[1] == 1  # kept within what libvpx takes
    unlike = constant_plan(7)
    assert between(NAMED, unlike, 0.4) == NAMED and between(NAMED, unlike, 0.6) == unlike


def test_json_round_trip():
    for plan in (NAMED, READ):
        assert plan_of_json(json.loads(json.dumps(vars(plan)))) == plan


def test_genes_cover_every_frame():
    frames = records(*[(KEY if i == 0 else INTER, i, 40 + i) for i in range(12)])
    frames["gop_index"] = [0, 1, 2, 3] * 3
    frames["layer"][1:] = 2
    genes = genes_of(frames)
    assert genes.shape[1] == 12 and np.isfinite(genes).all()
    assert (np.abs(genes).sum(axis=0) > 0).all()


def test_a_plan_of_shapes_survives_json():
    plan = replace(NAMED, shapes=(GopShape(8, layers=2), GopShape(0, strength=3)))
    assert plan_of_json(json.loads(json.dumps(asdict(plan)))) == plan
    old = {name: value for name, value in asdict(plan).items() if name != "shapes"}
    assert plan_of_json(old).shapes == ()  # written before plans had shapes


def test_a_recorded_plan_with_shapes_gives_the_same_bytes():
    """Played as candidates are: a session with the plan's shapes, answered by a follower."""
    clip = synthetic_clip(EncoderConfig(target_kbps=80))
    shapes = (GopShape(5, layers=2), GopShape(4, layers=1, strength=2, frames=3))
    options = {"shapes": shapes, "keep_packets": True}
    recorded = encode(clip.raw.frames, clip.first, clip.config, policy="controller", **options)
    plan = plan_of_records(recorded.records, shapes=recorded.shapes)
    follower = PlanFollower(plan)
    with Session(
        clip.raw.frames, clip.first, clip.config, guard=False, shapes=plan.shapes, keep_packets=True
    ) as session:
        while (request := session.request()) is not None:
            session.answer(follower.answer(vars(request)))
        played = session.result()
    assert played.packets == recorded.packets
    assert played.shapes == recorded.shapes == shapes[:1]  # one flush: the first answers for all
    assert gop_starts(played.records)[1] == 5
