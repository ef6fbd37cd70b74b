import pickle

import gymnasium
import numpy as np
import pytest

from encoder_bridge.env.clips import EnvClip
from encoder_bridge.env.reward import AtEnd
from encoder_bridge.env.single import Vp9RateControlEnv
from encoder_bridge.env.variants import Vp9RateControlRelativeEnv, Vp9RateControlRelativeVectorEnv
from encoder_bridge.env.vector import Vp9RateControlVectorEnv
from encoder_bridge.errors import BadInput, NotRunning


@pytest.fixture
def env(clip, new_pool):
    env = Vp9RateControlVectorEnv(3, [clip], [40, 80, 120], new_pool=new_pool)
    yield env
    env.close()


def test_gymnasium_makes_it(clip, new_pool):
    env = gymnasium.make_vec(
        "Vp9RateControl-v0",
        num_envs=2,
        vectorization_mode="vector_entry_point",
        clips=[clip],
        new_pool=new_pool,
    )
    observations, _ = env.reset(seed=0)
    assert env.observation_space.contains(observations)
    env.close()


def test_steps_have_gymnasiums_shapes_and_an_ended_one_starts_anew(env):
    observations, infos = env.reset(seed=2)
    assert env.observation_space.contains(observations)
    first = infos["target_kbps"].copy()
    ended = np.zeros(3, bool)
    steps = 0
    while not ended.all():
        observations, rewards, ended, truncated, infos = env.step(np.full(3, 110))
        steps += 1
        assert env.observation_space.contains(observations)
        assert rewards.shape == (3,) and not truncated.any()
    assert infos["_kbps"].all() and (infos["kbps"] > 0).all()
    observations, rewards, ended, _, infos = env.step(np.full(3, 110))
    assert not ended.any() and not rewards.any()
    assert (infos["show_index"] == 0).all() and infos["_stats"].all()
    assert steps == 12 and not np.array_equal(infos["target_kbps"], first)


def test_it_plays_what_the_single_environment_plays(clip, new_pool):
    single = Vp9RateControlEnv([clip], [50], new_pool=new_pool)
    single.reset(seed=0)
    done = False
    while not done:
        _, _, done, _, alone = single.step(np.int64(90))
    single.close()
    env = Vp9RateControlVectorEnv(
        2, [clip], [50], new_pool=new_pool, reward=AtEnd(lambda outcome: outcome.kbps)
    )
    env.reset(seed=0)
    done = np.zeros(2, bool)
    while not done.all():
        _, rewards, done, _, infos = env.step(np.full(2, 90))
    env.close()
    assert list(infos["kbps"]) == list(rewards) == [alone["kbps"]] * 2


def test_the_asynchronous_pair_never_loses_an_environment(env):
    env.start_all(seed=0)
    episodes, seen = 0, set()
    while episodes < 7:
        ready = env.recv(1)
        seen |= set(ready.ids.tolist())
        episodes += int(ready.terminations.sum())
        assert ready.observations["window"].shape[0] == len(ready.ids) == len(ready.infos)
        env.send(ready.ids, np.full(len(ready.ids), 100))
    assert seen == {0, 1, 2}


def test_reset_in_the_middle_of_episodes(env):
    for _ in range(3):
        env.reset(seed=1)
        env.step(np.full(3, 100))


def test_a_step_before_reset_is_refused(env):
    with pytest.raises(NotRunning, match="reset"):
        env.recv(1)


TARGETS = list(range(30, 90))


def chosen(env, seed, episodes=3):
    """The targets that an environment draws, by seed."""
    targets = [env.reset(seed=seed)[1]["target_kbps"]]
    return [*targets, *(env.reset()[1]["target_kbps"] for _ in range(episodes - 1))]


@pytest.mark.parametrize("seed", [[5, 9, 5], 40], ids=["list", "number"])
def test_each_environment_has_its_own_seed(clip, new_pool, seed):
    env = Vp9RateControlVectorEnv(3, [clip], TARGETS, new_pool=new_pool)
    single = Vp9RateControlEnv([clip], TARGETS, new_pool=new_pool)
    drawn = np.array(chosen(env, seed)).T.tolist()
    env.close()
    assert drawn == [chosen(single, one) for one in (seed if isinstance(seed, list) else [40, 41, 42])]
    single.close()


def test_no_seed_leaves_the_random_numbers_as_they_are(clip, new_pool):
    env = Vp9RateControlVectorEnv(2, [clip], TARGETS, new_pool=new_pool)

    def second(seed):
        env.reset(seed=[1, 2])
        return env.reset(seed=seed)[1]["target_kbps"].tolist()

    free, mixed = second(None), second([None, 2])
    assert mixed[0] == free[0] and mixed[1] == env.reset(seed=2)[1]["target_kbps"][0]
    with pytest.raises(BadInput, match="2 environments"):
        env.reset(seed=[1])
    env.close()


def test_a_mask_resets_some_and_leaves_the_others_where_they_are(env):
    env.reset(seed=3)
    for _ in range(4):
        before, _, _, _, infos = env.step(np.full(3, 110))
    shows = infos["show_index"]
    mask = np.array([False, True, False])
    observations, infos = env.reset(seed=[7, 8, 9], options={"reset_mask": mask, "target_kbps": 41})
    assert env.observation_space.contains(observations)
    assert list(infos["_target_kbps"]) == list(mask) and infos["target_kbps"][1] == 41
    assert np.array_equal(observations["step"][~mask], before["step"][~mask])
    assert not np.array_equal(observations["step"][1], before["step"][1])
    _, _, _, _, infos = env.step(np.full(3, 110))
    assert (infos["show_index"][~mask] >= shows[~mask]).all() and infos["coding_index"][1] == 1


def test_a_mask_resets_an_ended_episode(env):
    env.reset(seed=3)
    ended = np.zeros(3, bool)
    while not ended.any():
        _, _, ended, _, _ = env.step(np.full(3, 110))
    observations, infos = env.reset(options={"reset_mask": ended})
    assert env.observation_space.contains(observations) and (infos["show_index"][ended] == 0).all()
    _, _, ended, _, infos = env.step(np.full(3, 110))
    assert not ended.any() and infos["_coding_index"].all()


@pytest.mark.parametrize("mask", [[True, False, False], np.ones(2, bool), np.ones(3), np.zeros(3, bool)])
def test_what_is_no_mask_is_refused(env, mask):
    env.reset(seed=3)
    with pytest.raises(BadInput, match="reset_mask"):
        env.reset(options={"reset_mask": mask})


def test_a_mask_before_the_first_reset_is_refused(env):
    with pytest.raises(NotRunning, match="reset"):
        env.reset(options={"reset_mask": np.array([True, False, False])})


def test_actions_out_of_range_are_refused_and_all_still_wait(env):
    env.reset(seed=0)
    for actions, complaint in (([1, 256, 3], "action 256 .* 0 to 255"), ([1, 2], r"shape \(2,\)")):
        with pytest.raises(BadInput, match=complaint):
            env.step(np.array(actions))
    _, _, _, _, infos = env.step(np.array([70, 80, 90]))
    assert list(infos["qindex_asked"]) == [70, 80, 90]


def test_it_says_why_it_cannot_be_pickled(env):
    with pytest.raises(TypeError, match="holds libvpx encoders"):
        pickle.dumps(env)


def test_clips_of_different_length_go_together(clip, new_pool):
    from encoder_bridge.encode.first_pass import first_pass
    from encoder_bridge.encode.raw_clip import RawClip

    raw = RawClip(clip.raw.frames[:7], clip.raw.width, clip.raw.height, clip.raw.fps)
    short = EnvClip("short", raw, clip.config, first_pass(raw.frames, clip.config, new_pool=new_pool))
    env = Vp9RateControlVectorEnv(
        6, [clip, short], [50], new_pool=new_pool, reward=AtEnd(lambda outcome: 1.0)
    )
    _, infos = env.reset(seed=0)
    lengths = {name: len(stats) for name, stats in zip(infos["clip"], infos["stats"], strict=True)}
    assert lengths == {"synthetic": 12, "short": 7}
    ends = np.zeros(6, int)
    for _ in range(13):
        _, rewards, ended, _, infos = env.step(np.full(6, 110))
        assert list(rewards) == list(ended)
        for i in np.flatnonzero(ended):
            ends[i] += 1
            assert len(infos["shown"][i]) in (7, 12) and infos["_shown"][i]
    assert ends.all()
    env.close()


def test_the_relative_vector_plays_what_the_relative_environment_plays(clip, new_pool):
    single = Vp9RateControlRelativeEnv([clip], [50], new_pool=new_pool, offsets=[-20, 0, 20])
    env = Vp9RateControlRelativeVectorEnv(2, [clip], [50], new_pool=new_pool, offsets=[-20, 0, 20])
    single.reset(seed=0)
    env.reset(seed=0)
    done = False
    while not done:
        _, reward, done, _, alone = single.step(np.int64(2))
        _, rewards, ended, _, infos = env.step(np.full(2, 2))
        assert (
            list(rewards) == pytest.approx([reward] * 2)
            and list(infos["qindex_asked"]) == [alone["qindex_asked"]] * 2
        )
    assert ended.all()
    single.close()
    env.close()
