"""Plans: from one encode to another, whose GOPs may lie elsewhere."""

import numpy as np
from support.learn_samples import RECORD

from encoder_bridge.encode.layouts import ALTREF, INTER, KEY, SHOW_EXISTING
from muzero_rc.demonstrations.cma_search import genes_of
from muzero_rc.encoding.qindex_plan import PlanFollower, QindexPlan, between, plan_of_json, plan_of_records

PLAN = QindexPlan((40, 20, 60, 61, 21, 62), (False, True, False, False, True, False), (0, 1, 1, 2, 3, 3))


def records(*frames):
    made = np.zeros(len(frames), RECORD)
    for row, (kind, show, qindex) in zip(made, frames, strict=True):
        row["frame_type"], row["show_index"], row["qindex"], row["bits"] = kind, show, qindex, 100
    return made


def answers(frames):
    follower = PlanFollower(PLAN)
    return [follower.answer(frame) for frame in records(*frames)]


def test_the_same_frames_get_the_same_answers():
    frames = [(KEY, 0, 0), (ALTREF, 3, 0), (INTER, 1, 0), (INTER, 2, 0), (ALTREF, 5, 0), (INTER, 3, 0)]
    assert answers(frames) == list(PLAN.qindex)


def test_frames_of_another_kind_get_their_nearest_likes():
    frames = [(KEY, 0, 0), (INTER, 1, 0), (ALTREF, 4, 0), (INTER, 2, 0), (INTER, 3, 0), (INTER, 9, 0)]
    assert answers(frames) == [40, 60, 21, 61, 62, 62]
    assert answers([(KEY, 0, 0)] + [(INTER, i, 0) for i in range(1, 12)])[-1] == 62


def test_a_plan_of_records_leaves_show_existing_frames_out():
    made = plan_of_records(records((KEY, 0, 40), (ALTREF, 2, 20), (SHOW_EXISTING, -1, 20), (INTER, 1, 60)))
    assert made == QindexPlan((40, 20, 60), (False, True, False), (0, 2, 1))


def test_between_plans():
    other = QindexPlan(tuple(q + 100 for q in PLAN.qindex), PLAN.hidden, PLAN.shown_before)
    assert between(PLAN, other, 0.5).qindex == tuple(q + 50 for q in PLAN.qindex)
    assert between(PLAN, other, -9.0).qindex[1] == 1  # kept within what libvpx takes
    unlike = QindexPlan((7,), (False,), (0,))
    assert between(PLAN, unlike, 0.4) == PLAN and between(PLAN, unlike, 0.6) == unlike


def test_json_round_trip():
    assert plan_of_json({name: list(values) for name, values in vars(PLAN).items()}) == PLAN


def test_genes_cover_every_frame():
    frames = records(*[(KEY if i == 0 else INTER, i, 40 + i) for i in range(12)])
    frames["gop_index"] = [0, 1, 2, 3] * 3
    frames["layer"][1:] = 2
    genes = genes_of(frames)
    assert genes.shape[1] == 12 and np.isfinite(genes).all()
    assert (np.abs(genes).sum(axis=0) > 0).all()
