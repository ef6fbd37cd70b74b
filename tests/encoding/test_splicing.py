"""Splices: segments of several encodes, cut at key frames, as one stream."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scene_samples import FRAMES, SCENES

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.encode.gop_shapes import GopShape, gop_starts
from encoder_bridge.encode.layouts import SHOW_EXISTING
from encoder_bridge.media.ivf import ivf_file
from encoder_bridge.media.psnr import psnr_db
from encoder_bridge.media.quality import luma_sse
from muzero_rc.encoding.passes import played_pass, second_pass
from muzero_rc.encoding.qindex_plan import plan_of_records
from muzero_rc.encoding.splicing import Segment, SegmentTable, best_splice


def tables():
    """Up to four encodes of up to four segments."""
    sizes = st.tuples(st.integers(1, 4), st.integers(1, 4))
    numbers = st.integers(1, 1000)

    def of(size):
        row = st.lists(numbers, min_size=size[1], max_size=size[1])
        table = st.lists(row, min_size=size[0], max_size=size[0])
        return st.builds(
            lambda bits, psnr: SegmentTable(np.array(bits, float), np.array(psnr, float)), table, table
        )

    return sizes.flatmap(of)


def sums(table, chosen):
    every = np.arange(table.bits.shape[1])
    return table.bits[list(chosen), every].sum(), table.psnr_db[list(chosen), every].sum()


@given(table=tables(), most_bits=st.integers(1, 4000))
def test_a_choice_keeps_the_budget_and_no_single_encode_beats_it(table, most_bits):
    bits, psnr = sums(table, table.choose(most_bits))
    if bits > most_bits:  # then nothing fits, and it is the smallest
        assert bits == table.bits.min(0).sum() and most_bits < bits
        return
    for one in range(len(table.bits)):
        its_bits, its_psnr = sums(table, [one] * table.bits.shape[1])
        assert its_bits > most_bits or its_psnr <= psnr


@given(table=tables(), most_bits=st.integers(1, 4000))
def test_a_choice_is_near_the_best_of_all(table, most_bits):
    every = itertools.product(range(len(table.bits)), repeat=table.bits.shape[1])
    fitting = [psnr for bits, psnr in (sums(table, one) for one in every) if bits <= most_bits]
    if fitting:
        # A Lagrangian leaves at most the bits of one step of one segment unused.
        step = np.ptp(table.psnr_db, axis=0).max()
        assert sums(table, table.choose(most_bits))[1] >= max(fitting) - step


@given(table=tables(), price=st.floats(1e-3, 1e3))
def test_what_any_price_chooses_is_reachable(table, price):
    worth = table.psnr_db - price * table.bits
    for segment in range(table.bits.shape[1]):
        best = worth[:, segment].max()
        reachable = [worth[one, segment] for one in table.reachable()]
        assert max(reachable) == pytest.approx(best, abs=1e-6 * (1 + abs(best)))


@pytest.fixture(scope="module")
def first(clip, tmp_path_factory):
    config = EncoderConfig(cpu_used=5).for_video(clip.width, clip.height, clip.fps)
    return clip_first_pass(clip, config, folder=tmp_path_factory.mktemp("first"))


def encoded(clip, first, writer, length):
    """An encode of GOPs of one length; the target is what shorter GOPs need more of."""
    config = EncoderConfig(cpu_used=5, target_kbps=150).for_video(clip.width, clip.height, clip.fps)
    shapes = (GopShape(length),) * FRAMES
    return second_pass(clip, first, config, writer, policy=_native.Policy("controller"), shapes=shapes)


def told_of(encodes):
    """What is said of two encodes, so that the first is best in the middle scene, the second elsewhere."""

    def without_error(result, *scenes):
        shown = result.shown.copy()
        for begin, end in scenes:
            shown["sse_y"][begin:end] = 0
        return replace(result, shown=shown, config=result.config.replace(target_kbps=900))

    return {
        1: without_error(encodes[1], SCENES[1:]),
        2: without_error(encodes[2], SCENES[:2], (SCENES[2], FRAMES)),
    }


def test_a_splice_decodes_to_what_each_encoder_saw(clip, first):
    with ivf_file(clip) as long, ivf_file(clip) as short, ivf_file(clip) as joined:
        files = {1: long, 2: short}
        encodes = {1: encoded(clip, first, long, 16), 2: encoded(clip, first, short, 6)}
        splice, needed = best_splice(told_of(encodes))
        assert needed == {1, 2} and splice.number is None
        assert splice.segments == tuple(
            Segment(start, end, one)
            for start, end, one in zip(SCENES, (*SCENES[1:], FRAMES), (2, 1, 2), strict=True)
        )
        for one in splice.segments:
            joined.append(files[one.candidate], one.start, one.end)
        joined.flush()
        assert joined.packet_bytes == splice.result.packet_bytes
        decoded = psnr_db(luma_sse(clip, joined.path), clip.width * clip.height)
    seen = [encodes[one.candidate].shown["sse_y"][one.start : one.end] for one in splice.segments]
    np.testing.assert_allclose(decoded, psnr_db(np.concatenate(seen), clip.width * clip.height), atol=1e-6)


def test_a_splice_s_records_are_those_of_one_encode(clip, first):
    with ivf_file(clip) as long, ivf_file(clip) as short, ivf_file(clip) as again:
        told = told_of({1: encoded(clip, first, long, 16), 2: encoded(clip, first, short, 6)})
        splice, _ = best_splice(told)
        records = splice.result.records
        asked = records["frame_type"] != SHOW_EXISTING
        assert records["coding_index"][asked].tolist() == np.flatnonzero(asked).tolist()
        valid = records["ref_valid"] != 0
        own = np.repeat(np.arange(len(records))[:, None], valid.shape[1], axis=1)
        references = records["ref_coding_index"][valid]
        assert (references >= 0).all() and (references < own[valid]).all()
        assert splice.result.shown["pts"].tolist() == list(range(FRAMES))
        assert splice.result.outcome["decisions"] == asked.sum()

        # Its plan is one that an encode can follow, GOP by GOP and qindex by qindex.
        plan = plan_of_records(records, shapes=splice.result.shapes)
        played = played_pass(clip, first, told[1].config, again, plan, None)
        assert gop_starts(played.records) == gop_starts(records)
        assert played.qindexes == splice.result.qindexes


def test_alone_a_segment_keeps_only_the_best(clip, first):
    with ivf_file(clip) as long, ivf_file(clip) as short:
        encodes = {1: encoded(clip, first, long, 16), 2: encoded(clip, first, short, 6)}
        # One key frame only.
        for one in encodes.values():
            later = (one.records["frame_type"] == 0) & (one.records["show_index"] > 0)
            one.records["frame_type"][later] = 1
        splice, needed = best_splice(encodes)
    assert needed == {splice.number}
    assert splice.result is encodes[splice.number]
