import os

import numpy as np
import pytest

from encoder_bridge import _native
from encoder_bridge.encode.config import QUALITY, EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass, first_pass
from encoder_bridge.encode.layouts import ALTREF, KEY, SHOW_EXISTING
from encoder_bridge.encode.run import encode, validate_episode
from encoder_bridge.encode.session import Session
from encoder_bridge.errors import BadInput, EncodeFailed, NotRunning
from encoder_bridge.media.decode import open_clip, open_frames
from encoder_bridge.media.vp9_headers import qindexes_of


def by_hand(clip, new_pool, qindexes, **options):
    """An encode through `Session`: answers from an iterable."""
    qindexes = iter(qindexes)
    with Session(clip.raw.frames, clip.first, clip.config, new_pool=new_pool, **options) as session:
        requests = []
        while (request := session.request()) is not None:
            requests.append(request)
            session.answer(next(qindexes))
        return requests, session.result()


def forever(value):
    while True:
        yield value


def test_a_session_asks_for_every_coded_frame_and_uses_the_answers(clip, new_pool):
    requests, result = by_hand(clip, new_pool, range(40, 100), guard=False)
    assert requests[0].frame_type == KEY
    assert result.qindexes == list(range(40, 40 + len(requests)))
    assert result.frames == len(clip.raw.frames)
    decided = result.records["frame_type"] != SHOW_EXISTING
    assert [r.coding_index for r in requests] == list(np.flatnonzero(decided))
    coded = result.records[decided]
    assert np.array_equal(coded["asked"], coded["qindex"])
    assert ALTREF in coded["frame_type"]
    assert 8 * result.packet_bytes >= result.records["bits"].sum()


def test_a_higher_qindex_costs_fewer_bits_and_quality(clip, new_pool):
    _, fine = by_hand(clip, new_pool, forever(60), guard=False)
    _, coarse = by_hand(clip, new_pool, forever(160), guard=False)
    assert fine.kbps > 1.5 * coarse.kbps
    assert fine.psnr_y_db > coarse.psnr_y_db + 1


@pytest.mark.parametrize(("asked", "used"), [(0, 1), (-5, 1), (256, 255), (100_000, 255)])
def test_any_answer_is_clamped(clip, new_pool, asked, used):
    _, result = by_hand(clip, new_pool, forever(asked), guard=False)
    assert set(result.qindexes) == {used}


def test_the_same_decisions_give_the_same_bytes(clip, new_pool):
    random = np.random.default_rng(0)
    _, result = by_hand(clip, new_pool, iter(random.integers(1, 255, 99)), keep_packets=True)
    assert len(result.packets) == result.frames
    assert validate_episode(clip.raw.frames, clip.first, result, new_pool=new_pool) == []
    other = encode(
        clip.raw.frames,
        clip.first,
        clip.config,
        mode="plan",
        plan=[60] * len(result.qindexes),
        new_pool=new_pool,
    )
    result.shown["bytes"] = other.shown["bytes"]
    assert "bytes" in validate_episode(clip.raw.frames, clip.first, result, new_pool=new_pool)[0]


def test_the_guard_keeps_a_wasteful_policy_nearer_to_its_budget(clip, new_pool):
    config = clip.config.replace(target_kbps=60)
    results = {}
    for guard in (True, False):
        with Session(clip.raw.frames, clip.first, config, guard=guard, new_pool=new_pool) as session:
            while session.request() is not None:
                session.answer(1)
            results[guard] = session.result()
    assert results[False].outcome["guarded"] == 0 < results[True].outcome["guarded"]
    assert results[True].overshoot < results[False].overshoot / 2
    coded = results[True].records["frame_type"] != SHOW_EXISTING
    assert set(results[True].records["asked"][coded]) == {1}


def test_modes_of_a_whole_encode(clip, new_pool):
    controller = encode(clip.raw.frames, clip.first, clip.config, new_pool=new_pool)
    assert controller.outcome["decisions"] == len(controller.qindexes)
    coded = controller.records[controller.records["frame_type"] != SHOW_EXISTING]
    assert np.array_equal(coded["asked"], coded["q_ref"])
    libvpx = encode(clip.raw.frames, clip.first, clip.config, mode="libvpx", new_pool=new_pool)
    assert (len(libvpx.records), libvpx.outcome["decisions"], libvpx.frames) == (0, 0, len(clip.raw.frames))


def test_progress_and_packets_come_while_it_runs(clip, new_pool):
    progress, packets = [], []
    result = encode(
        clip.raw.frames,
        clip.first,
        clip.config,
        progress=progress.append,
        on_packets=packets.extend,
        new_pool=new_pool,
    )
    assert [pts for pts, _, _ in packets] == list(range(result.frames))
    assert (progress[-1].packets, progress[-1].bits) == (result.frames, 8 * result.packet_bytes)
    assert result.packets == ()


def test_a_plan_of_the_wrong_length_is_an_error(clip, new_pool):
    right = len(encode(clip.raw.frames, clip.first, clip.config, new_pool=new_pool).qindexes)
    for wrong in (right - 1, right + 1):
        with pytest.raises(EncodeFailed, match=f"the plan has {wrong} decisions"):
            encode(
                clip.raw.frames, clip.first, clip.config, mode="plan", plan=[80] * wrong, new_pool=new_pool
            )


def test_wrong_use_is_refused(clip, new_pool):
    config = clip.config
    with pytest.raises(BadInput, match="mode"):
        encode(clip.raw.frames, clip.first, config, mode="magic", new_pool=new_pool)
    with pytest.raises(BadInput, match="plan"):
        encode(clip.raw.frames, clip.first, config, mode="plan", new_pool=new_pool)
    with pytest.raises(BadInput, match="are no 62x48 video"):
        encode(clip.raw.frames, clip.first, config.replace(width=62), new_pool=new_pool)
    with pytest.raises(BadInput, match="above the raw video"):
        encode(clip.raw.frames, clip.first, config.replace(target_kbps=100_000), new_pool=new_pool)
    with pytest.raises(EncodeFailed):
        encode(clip.raw.frames[:5], clip.first, config, new_pool=new_pool)


def test_a_session_out_of_step_says_so(clip, new_pool):
    session = Session(clip.raw.frames, clip.first, clip.config, new_pool=new_pool)
    with pytest.raises(NotRunning, match="nothing waits"):
        session.answer(3)
    session.request()
    with pytest.raises(NotRunning, match="answer the last one"):
        session.request()
    with pytest.raises(NotRunning, match="no result"):
        session.result()
    session.close()
    session.close()
    with pytest.raises(NotRunning):
        session.request()


@pytest.mark.parametrize(("width", "height", "frames"), [(63, 47, 5), (64, 48, 1), (2, 2, 3), (17, 2, 1)])
def test_odd_sizes_and_single_frames(noise, new_pool, width, height, frames):
    source = noise(width, height, frames)
    config = EncoderConfig(width=width, height=height, target_kbps=2)
    result = encode(source, first_pass(source, config, new_pool=new_pool), config, new_pool=new_pool)
    assert (result.frames, len(result.qindexes)) == (frames, frames)


def test_the_first_pass_does_not_depend_on_what_its_key_leaves_out(clips):
    clip = clips[_native.Pool]
    other = clip.config.replace(target_kbps=33, end_usage=QUALITY, cq_level=40, max_q=50, psnr=0)
    assert other.first_pass_key() == clip.config.first_pass_key()
    assert first_pass(clip.raw.frames, other).blob == clip.first.blob


@pytest.mark.parametrize("auto_alt_ref", [0, 1, 6])
def test_constant_quality_fed_back_is_bit_exact(clips, auto_alt_ref):
    clip = clips[_native.Pool]
    config = clip.config.replace(end_usage=QUALITY, cq_level=34, auto_alt_ref=auto_alt_ref)
    first = first_pass(clip.raw.frames, config)
    libvpx = encode(clip.raw.frames, first, config, mode="libvpx", keep_packets=True)
    assert libvpx.qindexes == qindexes_of(data for _, _, data in libvpx.packets)
    assert validate_episode(clip.raw.frames, first, libvpx) == []


def test_a_file_streams_to_the_same_result_as_from_memory(h264):
    with open_clip(h264) as clip:
        config = EncoderConfig(target_kbps=90).for_video(clip.width, clip.height, clip.fps)
        first = clip_first_pass(clip, config)
        with open_frames(clip) as pipe:
            streamed = encode(pipe, first, config, keep_packets=True)
            pipe.check(streamed.frames)
        with open_frames(clip) as pipe, os.fdopen(os.dup(pipe.fileno()), "rb") as stream:
            frames = np.frombuffer(stream.read(), np.uint8).reshape(-1, clip.frame_bytes)
    assert encode(frames, first, config, keep_packets=True).packets == streamed.packets


def test_no_frames_at_all_is_an_error(new_pool, tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    with empty.open("rb") as stream, pytest.raises(EncodeFailed):
        first_pass(stream, EncoderConfig(width=64, height=48), new_pool=new_pool)
