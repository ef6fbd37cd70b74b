import gymnasium
import numpy as np
import pytest

from encoder_bridge.env.single import Vp9RateControlEnv
from encoder_bridge.env.vector import Vp9RateControlVectorEnv
from encoder_bridge.errors import NotRunning


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
    env = Vp9RateControlVectorEnv(2, [clip], [50], new_pool=new_pool, reward=lambda outcome: outcome.kbps)
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
