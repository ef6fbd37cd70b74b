import numpy as np
import pytest

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass
from encoder_bridge.encode.gop_shapes import GopShape, as_shapes, gop_starts
from encoder_bridge.encode.layouts import SHOW_EXISTING
from encoder_bridge.encode.run import encode, validate_episode
from encoder_bridge.encode.session import FrameRequest, Session, ShapeRequest
from encoder_bridge.env.clips import synthetic_clip
from encoder_bridge.errors import BadInput, NotRunning
from encoder_bridge.media.yuv420 import frame_bytes

WIDTH, HEIGHT = 64, 48


def moving(length):
    """Frames of a pattern that moves steadily."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    random = np.random.default_rng(0)
    frames = np.full((length, frame_bytes(WIDTH, HEIGHT)), 128, np.uint8)
    for t in range(length):
        luma = 128 + 60 * np.sin((x + 2 * t) / 7) + 30 * np.cos((y - t) / 5)
        luma += random.normal(0, 3, luma.shape)
        frames[t, : WIDTH * HEIGHT] = np.clip(luma, 0, 255).astype(np.uint8).ravel()
    return frames


@pytest.fixture(scope="module")
def encoded():
    """Encodes 70 frames under the controller: encoded(shapes, **settings)."""
    frames = moving(70)
    firsts = {}

    def run(shapes, length=70, **settings):
        config = EncoderConfig(width=WIDTH, height=HEIGHT, target_kbps=60, cpu_used=5, **settings)
        key = (length, config.first_pass_key())
        if key not in firsts:
            firsts[key] = first_pass(frames[:length], config)
        return encode(frames[:length], firsts[key], config, shapes=shapes, keep_packets=True)

    return run


def test_gops_are_as_long_as_asked(encoded):
    lengths = [16, 6, 10, 8, 20]
    result = encoded([GopShape(length) for length in lengths])
    assert gop_starts(result.records)[:6] == [0, 16, 22, 32, 40, 60]


@pytest.mark.parametrize("settings", [{}, {"auto_alt_ref": 1}, {"auto_alt_ref": 0}, {"lag_in_frames": 12}])
def test_own_shapes_give_the_bytes_of_no_shapes(encoded, settings):
    untouched = encoded(None, **settings)
    assert encoded([], **settings).packets == untouched.packets
    assert encoded([GopShape()] * 30, **settings).packets == untouched.packets


def test_shapes_are_four_numbers_each():
    assert as_shapes(None) is None
    assert as_shapes([GopShape(8, 2, 3, 4), GopShape()]).tolist() == [[8, 2, 3, 4], [0, -1, -1, -1]]
    with pytest.raises(BadInput, match="four numbers"):
        as_shapes(np.zeros((2, 3), np.int32))


@pytest.mark.parametrize(
    "shape", [GopShape(3), GopShape(24), GopShape(8, 7), GopShape(8, 1, 7), GopShape(8, 1, 0, 16)]
)
def test_a_shape_that_libvpx_would_refuse_is_refused(encoded, shape):
    with pytest.raises(BadInput, match="out of range"):
        encoded([shape])


def play(clip, new_pool, shapes, qindex=lambda request: request.q_ref):
    """Answers every question: shapes from an iterable. Returns what was asked, and the result."""
    shapes, asked = iter(shapes), []
    with Session(clip.raw.frames, clip.first, clip.config, ask_shapes=True, new_pool=new_pool) as session:
        while (request := session.next_request()) is not None:
            asked.append(request)
            if isinstance(request, ShapeRequest):
                session.answer_shape(next(shapes))
            else:
                session.answer(qindex(request))
        return asked, session.result()


def endless(*shapes):
    yield from shapes
    while True:
        yield GopShape()


def test_every_gop_is_asked_for_before_its_frames(clip, new_pool):
    asked, result = play(clip, new_pool, endless(GopShape(4), GopShape(4)))
    questions = [request for request in asked if isinstance(request, ShapeRequest)]
    assert isinstance(asked[0], ShapeRequest)
    assert isinstance(asked[1], FrameRequest)
    assert asked[0].gop_index == asked[0].show_index == 0
    assert asked[0].frames_left == len(clip.raw) - 1
    assert [question.gop_index for question in questions] == list(range(len(questions)))
    assert len(result.shapes) == len(questions)
    assert result.shapes[0] == GopShape(4)


def test_a_plan_of_shapes_and_qindexes_gives_the_same_bytes(clip, new_pool):
    _, result = play(clip, new_pool, endless(GopShape(4, layers=1), GopShape(5, strength=1, frames=3)))
    assert result.packets == ()
    again = encode(
        clip.raw.frames,
        clip.first,
        clip.config,
        mode="plan",
        plan=result.qindexes,
        shapes=result.shapes,
        keep_packets=True,
        new_pool=new_pool,
    )
    assert again.qindexes == result.qindexes
    assert again.shapes == result.shapes
    assert np.array_equal(again.records["bits"], result.records["bits"])
    assert validate_episode(clip.raw.frames, clip.first, again, new_pool=new_pool) == []


def test_own_answers_are_no_shapes(clip, new_pool):
    _, result = play(clip, new_pool, endless())
    with Session(clip.raw.frames, clip.first, clip.config, new_pool=new_pool) as session:
        while (request := session.request()) is not None:
            session.answer(request.q_ref)
        assert np.array_equal(session.result().records["bits"], result.records["bits"])


def test_an_answer_of_the_other_kind_is_refused(clip, new_pool):
    with Session(clip.raw.frames, clip.first, clip.config, ask_shapes=True, new_pool=new_pool) as session:
        assert isinstance(session.next_request(), ShapeRequest)
        with pytest.raises(BadInput, match="send_shapes"):
            session.answer(100)
        session.answer_shape(GopShape())
        assert isinstance(session.next_request(), FrameRequest)
        with pytest.raises(BadInput, match=r"send\(\)"):
            session.answer_shape(GopShape())
        session.answer(100)
    session = Session(clip.raw.frames, clip.first, clip.config, ask_shapes=True, new_pool=new_pool)
    with session, pytest.raises(NotRunning, match="next_request"):
        session.request()


def test_shapes_need_a_second_pass_that_asks_or_has_a_policy(clip, new_pool):
    pool, config = new_pool(1), clip.config.as_native()
    try:
        for options in ({"shapes": np.zeros((1, 4), np.int32)}, {"ask_shapes": True}):
            with pytest.raises(ValueError, match="second pass"):
                pool.start(0, config, clip.raw.frames, mode="libvpx", stats=clip.first.blob, **options)
            with pytest.raises(ValueError, match="second pass"):
                pool.start(0, config, clip.raw.frames, mode="ask", **options)
    finally:
        pool.close()


def test_what_a_policy_saw_is_recomputed_from_the_records():
    """The plan of each GOP is in the records, so the schedule of a replay is that of the encode."""
    clip = synthetic_clip(EncoderConfig())
    asked, result = play(clip, _native.Pool, endless(GopShape(6, layers=1), GopShape(4, layers=2)))
    frames = [request for request in asked if isinstance(request, FrameRequest)]
    decided = result.records["frame_type"] != SHOW_EXISTING
    assert result.records["planned"][decided][0] == 6 + 256 * 1
    steps = np.zeros((len(result.records), len(frames[0].step)), np.float32)
    q_ref = np.zeros(len(result.records), np.int32)
    config = clip.config
    _native.replay_features(
        config.width, config.height, config.target_kbps, clip.first.stats, result.records, steps, q_ref
    )
    assert np.array_equal(q_ref[decided], [request.q_ref for request in frames])
    assert np.array_equal(steps[decided], [request.step for request in frames])


def test_a_long_plan_of_shapes_and_qindexes_gives_the_same_bytes():
    frames = moving(60)
    config = EncoderConfig(width=WIDTH, height=HEIGHT, target_kbps=60, cpu_used=5)
    first = first_pass(frames, config)
    shapes = [GopShape(9, 1, 2, 5), GopShape(), GopShape(7, 6, 0, 0), GopShape(12, 2), GopShape(5, 3, 6, 15)]
    result = encode(frames, first, config, shapes=shapes, keep_packets=True)
    assert len(result.shapes) >= 4
    assert result.shapes == tuple([*shapes, *[GopShape()] * 9][: len(result.shapes)])
    assert validate_episode(frames, first, result) == []
    assert encode(frames, first, config, keep_packets=True).packets != result.packets
