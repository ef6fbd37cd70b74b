import copy
import pickle
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from support.libvpx_releases import system

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass
from encoder_bridge.encode.layouts import ALTREF, SHOW_EXISTING
from encoder_bridge.encode.run import validate_episode
from encoder_bridge.env.clips import EnvClip, load_clip
from encoder_bridge.env.observation import BEHIND, ClipFeatures, feature_names, observe
from encoder_bridge.env.reward import AtEnd
from encoder_bridge.env.single import Vp9RateControlEnv
from encoder_bridge.errors import BadInput, NotRunning, WaitExpired


def make(clip, new_pool, **options):
    return Vp9RateControlEnv([clip], new_pool=new_pool, **options)


def play(env, qindexes, **options):
    """One episode: (infos of every step, rewards)."""
    _, info = env.reset(seed=0, options=options)
    infos, rewards, done = [info], [], False
    while not done:
        _, reward, done, truncated, info = env.step(next(qindexes))
        assert not truncated
        infos.append(info)
        rewards.append(reward)
    return infos, rewards


def constant(value):
    while True:
        yield value


def test_gymnasiums_own_checker_passes(clip, new_pool):
    for name in ("Vp9RateControl-v0", "Vp9RateControlRelative-v0"):
        env = gymnasium.make(name, clips=[clip], new_pool=new_pool)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_env(env.unwrapped)
        env.close()


def test_it_works_out_of_the_box():
    env = gymnasium.make("encoder_bridge.env:Vp9RateControl-v0")
    observation, info = env.reset(seed=3)
    assert env.observation_space.contains(observation) and info["clip"] == "synthetic"
    env.close()


def test_reset_tells_the_whole_clip(clip, new_pool):
    env = make(clip, new_pool, targets_kbps=[77])
    observation, info = env.reset(seed=0)
    assert (info["target_kbps"], info["fps"], info["clip"]) == (77, 30.0, "synthetic")
    assert np.array_equal(info["stats"], clip.first.stats)
    assert info["frame_features"].shape == (12, len(feature_names()["frame"]))
    assert observation["step"].shape == (len(feature_names()["step"]),)
    assert (info["frame_type"], info["show_index"]) == (0, 0)
    env.close()


def test_each_step_says_what_became_of_the_frame(clip, new_pool):
    env = make(clip, new_pool, guard=False, reward=AtEnd(lambda outcome: 0.0))
    infos, rewards = play(env, iter(range(50, 99)))
    steps, end = infos[1:], infos[-1]
    records = end["records"][end["records"]["frame_type"] != SHOW_EXISTING]
    assert [s["qindex_asked"] for s in steps] == list(range(50, 50 + len(steps)))
    for name, column in (
        ("bits", "bits"),
        ("qindex", "qindex"),
        ("coded_type", "frame_type"),
    ):
        assert [s[name] for s in steps] == list(records[column])
    # libvpx 1.15 and newer tell a frame's error with its packet, after the step but for the last.
    by_index = new_pool is _native.Pool and system().by_index
    late = records["sse_after"] > 0
    assert [s["sse"] for s in steps[:-1]] == np.where(late, -1, records["sse"])[:-1].tolist()
    assert steps[-1]["sse"] == records["sse"][-1] > 0
    assert late.any() == by_index and (records["sse"] > 0).all() == (not by_index)
    assert rewards == [0.0] * len(steps)
    bits = 8 * end["shown"]["bytes"].sum()
    assert end["kbps"] == pytest.approx(bits * 30 / 12 / 1000)
    assert end["overshoot"] == pytest.approx(max(0, end["kbps"] / 64 - 1))
    assert 20 < end["psnr_y_db"] < 60
    env.close()


def test_the_reward_is_the_callers(clip, new_pool):
    seen = []

    def reward(outcome):
        seen.append(outcome)
        return 7.0

    env = make(clip, new_pool, reward=AtEnd(reward))
    infos, rewards = play(env, constant(120), target_kbps=90)
    assert rewards[-1] == 7.0 and not any(rewards[:-1])
    (outcome,) = seen
    assert (outcome.clip, outcome.target_kbps, outcome.frames) == ("synthetic", 90, 12)
    assert (outcome.kbps, outcome.psnr_y_db) == (infos[-1]["kbps"], infos[-1]["psnr_y_db"])
    env.close()


def test_steps_tell_of_show_existing_frames_and_luma_error(clip, new_pool):
    env = make(clip, new_pool)
    infos, _ = play(env, constant(120))
    steps, records = infos[1:], infos[-1]["records"]
    hidden = records["frame_type"] == ALTREF
    existing = records["frame_type"] == SHOW_EXISTING
    assert hidden.any() and existing.any()
    assert [s["is_shown"] for s in steps] == list((~hidden)[~existing])
    assert sum(s["show_existing"] for s in steps) == existing.sum()
    assert sum(s["show_existing_bits"] for s in steps) == records["bits"][existing].sum()
    for name in ("bytes", "sse_y"):
        packets = np.concatenate([s[f"packet_{name}"] for s in steps])
        assert np.array_equal(packets, infos[-1]["shown"][name])
    assert sum(s["sse_y"] for s in steps) == infos[-1]["shown"]["sse_y"].sum() > 0
    env.close()


def test_a_step_that_has_given_out_packets_tells_their_luma_error(clips):
    """Without look-ahead every call of libvpx gives out its packet."""
    clip = clips[_native.Pool]
    config = clip.config.replace(lag_in_frames=0, auto_alt_ref=0)
    clip = EnvClip("plain", clip.raw, config, first_pass(clip.raw.frames, config))
    env = Vp9RateControlEnv([clip])
    infos, _ = play(env, constant(120))
    counts = [len(s["packet_bytes"]) for s in infos[1:]]
    assert sum(counts) == 12 and max(counts) <= 2
    env.close()


@pytest.mark.parametrize("action", [-1, 256, 3.5, 3.0, "3", None, np.array([3, 4])])
def test_actions_out_of_range_are_refused_and_the_frame_still_waits(clip, new_pool, action):
    env = make(clip, new_pool)
    env.reset(seed=0)
    with pytest.raises(BadInput, match="0 to 255"):
        env.step(action)
    *_, info = env.step(np.int64(77))
    assert info["qindex_asked"] == 77
    env.close()


def test_a_running_environment_says_why_it_cannot_be_pickled(clip, new_pool):
    env = make(clip, new_pool)
    env.reset(seed=0)
    for copies in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match=r"running environment cannot be pickled.*close\(\)"):
            copies(env)
    env.close()
    again = pickle.loads(pickle.dumps(env))
    assert np.array_equal(again.reset(seed=3)[0]["window"], env.reset(seed=3)[0]["window"])
    again.close()
    env.close()


def test_an_episode_can_be_replayed_outside_the_environment(clip, new_pool):
    from encoder_bridge.encode.result import EncodeResult

    env = make(clip, new_pool)
    random = np.random.default_rng(1)
    infos, _ = play(env, iter(random.integers(0, 256, 99)))
    end = infos[-1]
    result = EncodeResult(clip.config.replace(target_kbps=64), end["records"], end["shown"], {})
    assert validate_episode(clip.raw.frames, clip.first, result, new_pool=new_pool) == []
    env.close()


def test_the_guard_is_on_unless_told_otherwise(clip, new_pool):
    env = make(clip, new_pool)
    guarded, _ = play(env, constant(1), target_kbps=60)
    free, _ = play(env, constant(1), target_kbps=60, guard=False)
    assert guarded[-1]["guarded"] > 0 == free[-1]["guarded"]
    assert guarded[-1]["kbps"] < free[-1]["kbps"] / 2
    env.close()


def test_an_episode_can_be_left_at_any_time(clip, new_pool):
    env = make(clip, new_pool)
    for steps in (0, 1, 5):
        env.reset(seed=1)
        for _ in range(steps):
            env.step(np.int64(100))
    env.close()
    env.close()
    observation, _ = env.reset()
    assert env.observation_space.contains(observation)
    env.close()


def test_wrong_use_is_refused(clip, new_pool):
    env = make(clip, new_pool)
    with pytest.raises(NotRunning, match="reset"):
        env.step(np.int64(3))
    with pytest.raises(BadInput, match="clip other is unknown: use one of synthetic"):
        env.reset(options={"clip": "other"})
    with pytest.raises(BadInput, match="option speed is unknown"):
        env.reset(options={"speed": 3})
    with pytest.raises(BadInput, match="targets"):
        make(clip, new_pool, targets_kbps=[0])
    play(env, constant(99))
    with pytest.raises(NotRunning):
        env.step(np.int64(3))
    env.close()


def test_a_wait_that_passes_its_deadline_ends_the_episode(clips):
    env = Vp9RateControlEnv([clips[_native.Pool]], timeout_s=0.0)
    with pytest.raises(WaitExpired):
        for _ in range(100):
            env.reset()
    with pytest.raises(NotRunning):
        env.step(np.int64(3))


def test_a_seed_chooses_the_same_clips_and_targets(clips, clip, new_pool):
    env = make(clip, new_pool, targets_kbps=list(range(30, 90)))

    def choices(seed):
        targets = [env.reset(seed=seed)[1]["target_kbps"]]
        return targets + [env.reset()[1]["target_kbps"] for _ in range(4)]

    assert choices(5) == choices(5) != choices(6)
    env.close()


def test_files_are_loaded(footage):
    clip = load_clip(footage("loaded.mkv"), EncoderConfig())
    assert (clip.name, clip.raw.frames.shape[0], clip.first.frames, clip.config.fps) == ("loaded", 12, 12, 25)


def test_the_window_is_zero_beyond_the_clip():
    frames = np.arange(1, 11, dtype=np.float32).reshape(10, 1)
    features = ClipFeatures(np.zeros(2, np.float32), frames)
    step = np.zeros(3, np.float32)
    start = observe(features, 0, step, 12)["window"][:, 0]
    assert list(start) == [0] * BEHIND + [1, 2, 3, 4]
    end = observe(features, 9, step, 12)["window"][:, 0]
    assert list(end) == [*range(2, 11), 0, 0, 0]
    far = observe(features, 400, step, 12)["window"]
    assert not far.any()


def test_the_package_offers_what_an_agent_needs():
    import encoder_bridge.env as package

    assert all(hasattr(package, name) for name in package.__all__)
    one = gymnasium.make("encoder_bridge.env:Vp9RateControl-v0")
    assert isinstance(one.unwrapped, package.Vp9RateControlEnv)
    assert set(package.feature_names()) == {"clip", "frame", "step"}
