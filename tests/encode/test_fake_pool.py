import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass
from encoder_bridge.encode.layouts import ALTREF, EVENT, KEY, OVERLAY, SHOW_EXISTING
from encoder_bridge.encode.run import encode
from encoder_bridge.encode.session import Session
from encoder_bridge.testing.fake_pool import FakePool
from encoder_bridge.testing.knapsack_optimum import TOY_CONFIG, toy_frames, toy_optimum
from encoder_bridge.testing.rate_distortion_model import schedule

TYPES = ("frame_type", "show_index")


@given(
    frames=st.integers(1, 200), auto_alt_ref=st.integers(0, 6), lag=st.integers(0, 25), kf=st.integers(1, 128)
)
def test_every_schedule_shows_each_frame_once(frames, auto_alt_ref, lag, kf):
    config = EncoderConfig(auto_alt_ref=auto_alt_ref, lag_in_frames=lag, kf_max_dist=kf)
    coded = schedule(frames, config)
    assert sorted(f.show_index for f in coded if f.shown) == list(range(frames))
    assert [f.show_index for f in coded if f.shown] == list(range(frames))
    assert coded[0].frame_type == KEY
    hidden = set()
    for frame in coded:
        if frame.frame_type == ALTREF:
            hidden.add(frame.show_index)
        if frame.frame_type in (OVERLAY, SHOW_EXISTING):
            hidden.remove(frame.show_index)
    assert not hidden


@pytest.mark.parametrize("auto_alt_ref", [0, 6])
def test_the_schedule_is_like_libvpxs(clips, auto_alt_ref):
    kinds = []
    for pool, clip in clips.items():
        config = clip.config.replace(auto_alt_ref=auto_alt_ref, lag_in_frames=25 if auto_alt_ref else 0)
        first = first_pass(clip.raw.frames, config, new_pool=pool)
        records = encode(clip.raw.frames, first, config, new_pool=pool).records
        kinds.append([(int(r["frame_type"]), int(r["show_index"])) for r in records])
    assert kinds[0] == kinds[1]


def test_the_pools_answer_wrong_use_alike(clip, new_pool):
    pool = new_pool(2)
    event = np.zeros(2, EVENT)
    assert pool.recv(1, 1.0, event) == 0
    pool.start(1, clip.config.as_native(), clip.raw.frames, stats=clip.first.blob)
    assert pool.recv(1, 60.0, event) == 1
    assert (event[0]["slot"], event[0]["kind"]) == (1, _native.EVENT_DECISION)
    with pytest.raises(_native.NativeError, match="slot 1 still runs"):
        pool.start(1, clip.config.as_native(), clip.raw.frames, stats=clip.first.blob)
    with pytest.raises(ValueError, match="every running encode waits"):
        pool.recv(1, 1.0, event)
    with pytest.raises(ValueError, match="slot 0 waits for no decision"):
        pool.send(np.array([0], np.int32), np.array([9], np.int32))
    with pytest.raises(ValueError, match="slot 0 has had no encode"):
        pool.outcome(0)
    with pytest.raises(_native.NativeError, match="still runs"):
        pool.outcome(1)
    with pytest.raises(ValueError, match="statistics"):
        pool.frame_stats(b"nothing")
    pool.close()
    pool.close()
    with pytest.raises(ValueError, match="closed"):
        pool.recv(1, 1.0, event)


def test_a_cancelled_encode_ends_as_failed(clip, new_pool):
    pool = new_pool(1)
    event = np.zeros(1, EVENT)
    pool.start(0, clip.config.as_native(), clip.raw.frames, stats=clip.first.blob)
    pool.recv(1, 60.0, event)
    pool.cancel(0)
    assert pool.wait(0, 60.0)
    assert pool.recv(1, 60.0, event) == 1 and event[0]["kind"] == _native.EVENT_FAILED
    assert pool.outcome(0)["ok"] is False and "cancelled" in pool.outcome(0)["error"]
    pool.start(0, clip.config.as_native(), clip.raw.frames, stats=clip.first.blob)
    assert pool.recv(1, 60.0, event) == 1 and event[0]["kind"] == _native.EVENT_DECISION
    pool.close()


def test_step_features_and_reference_are_what_replay_features_says(clip, new_pool):
    config = clip.config
    pool = new_pool(1)
    event, steps, references = np.zeros(1, EVENT), [], []
    pool.start(0, config.as_native(), clip.raw.frames, stats=clip.first.blob, guard=False)
    while pool.recv(1, 60.0, event) and event[0]["kind"] == _native.EVENT_DECISION:
        steps.append(event[0]["step"].copy())
        references.append(int(event[0]["q_ref"]))
        pool.send(np.zeros(1, np.int32), np.array([70 + 5 * len(steps)], np.int32))
    from encoder_bridge.encode.layouts import as_records

    records = as_records(pool.records(0))
    step_out = np.zeros((len(records), EVENT["step"].shape[0]), np.float32)
    q_ref_out = np.zeros(len(records), np.int32)
    stats = np.ascontiguousarray(clip.first.stats)
    _native.replay_features(
        config.width, config.height, config.target_kbps, stats, records, step_out, q_ref_out
    )
    coded = records["frame_type"] != SHOW_EXISTING
    assert np.array_equal(step_out[coded], np.array(steps))
    assert list(q_ref_out[coded]) == references
    pool.close()


def test_noise_is_the_seeds(clips):
    clip = clips[FakePool]

    def kbps(seed):
        def noisy(slots):
            return FakePool(slots, noise=0.3, seed=seed)

        return encode(
            clip.raw.frames, clip.first, clip.config, mode="plan", plan=[90] * 12, new_pool=noisy
        ).kbps

    assert kbps(1) == kbps(1) != kbps(2)


def test_the_toys_optimum_is_kept_by_the_encoder_and_beats_constant_qindex():
    frames = toy_frames(seed=1)
    optimum = toy_optimum(frames, TOY_CONFIG)
    first = first_pass(frames, TOY_CONFIG, new_pool=FakePool)
    best = encode(frames, first, TOY_CONFIG, mode="plan", plan=optimum.plan, new_pool=FakePool)
    constant = encode(frames, first, TOY_CONFIG, mode="libvpx", new_pool=FakePool)
    assert best.psnr_y_db == pytest.approx(optimum.psnr_y_db, abs=0.01)
    assert best.kbps == pytest.approx(optimum.kbps)
    assert 0.98 * TOY_CONFIG.target_kbps < best.kbps <= TOY_CONFIG.target_kbps
    assert constant.kbps <= TOY_CONFIG.target_kbps
    assert best.psnr_y_db > constant.psnr_y_db + 0.7


@pytest.mark.parametrize("seed", range(4))
def test_the_toys_optimum_is_within_reach_of_actions_round_the_reference(seed):
    frames = toy_frames(seed=seed)
    optimum = toy_optimum(frames, TOY_CONFIG)
    first = first_pass(frames, TOY_CONFIG, new_pool=FakePool)
    with Session(frames, first, TOY_CONFIG, new_pool=FakePool) as session:
        for wanted in optimum.plan:
            request = session.request()
            session.answer(int(np.clip(wanted, request.q_ref - 48, request.q_ref + 48)))
        assert session.request() is None
        reached = session.result()
    assert reached.kbps <= 1.002 * TOY_CONFIG.target_kbps
    assert reached.psnr_y_db > 0.98 * optimum.psnr_y_db


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), target_kbps=st.integers(20, 400))
def test_no_plan_of_a_two_frame_toy_is_better(seed, target_kbps):
    config = TOY_CONFIG.replace(target_kbps=target_kbps)
    frames = toy_frames(seed, (1, 1))
    optimum = toy_optimum(frames, config)
    best = brute_force(frames, config)
    assert optimum.kbps <= target_kbps or set(optimum.plan) == {255}
    assert optimum.psnr_y_db == pytest.approx(best)


def brute_force(frames, config):
    """Best mean PSNR of all 255 x 255 plans within the budget."""
    from encoder_bridge.testing.rate_distortion_model import FakeClip

    clip = FakeClip(frames[:, : config.width * config.height].reshape(-1, config.height, config.width))
    coded, qindexes = schedule(2, config), range(1, 256)
    bits = np.array([[8 * max(2, round(clip.bits(f, q, None) / 8)) for q in qindexes] for f in coded])
    psnr = np.array([[min(60.0, clip.psnr_db(f.show_index, q)) for q in qindexes] for f in coded])
    fits = bits[0][:, None] + bits[1][None, :] <= config.target_kbps * 1000 * 2 / config.fps
    fits[-1, -1] = True
    return float(np.where(fits, psnr[0][:, None] + psnr[1][None, :], -1).max() / 2)
