import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from encoder_bridge.encode.gop_shapes import GopShape, gop_starts
from encoder_bridge.encode.run import encode
from encoder_bridge.env.actions import LAYERS, LENGTHS, OFFSETS, STRENGTHS
from encoder_bridge.env.observation import GOP_FEATURES
from encoder_bridge.env.variants import Vp9EncodeEnv, Vp9EncodeVectorEnv
from encoder_bridge.errors import BadInput

OWN = (0, 0, 0, OFFSETS.index(0))
"""libvpx's own shapes and the controller's qindexes."""


def make(clip, new_pool, **options):
    return Vp9EncodeEnv([clip], [60], new_pool=new_pool, **options)


def play(env, decide):
    """One episode: (action, reward, info, observation) of every step, and the first info."""
    observation, info = env.reset(seed=0)
    first, steps, done = info, [], False
    while not done:
        action = decide(info)
        observation, reward, done, _, info = env.step(np.array(action))
        steps.append((action, reward, info, observation))
    env.close()
    return first, steps


def test_gymnasiums_own_checker_passes(clip, new_pool):
    env = gymnasium.make("encoder_bridge.env:Vp9Encode-v0", clips=[clip], new_pool=new_pool)
    check_env(env.unwrapped)
    env.close()


def test_the_first_question_is_the_first_gops_shape(clip, new_pool):
    env = make(clip, new_pool)
    observation, info = env.reset(seed=0)
    gop = dict(zip(GOP_FEATURES, observation["gop"], strict=True))
    assert (info["asks_shape"], gop["asks_shape"], gop["asks_qindex"], info["show_index"]) == (1, 1, 0, 0)
    _, _, _, _, info = env.step(np.array(OWN))
    assert (info["asks_shape"], info["coded_type"], info["frame_type"]) == (0, -1, 0)
    env.close()


def test_its_neutral_action_is_the_controller(clip, new_pool):
    _, steps = play(make(clip, new_pool), lambda info: OWN)
    rewards = [reward for _, reward, _, _ in steps]
    end = steps[-1][2]
    controller = encode(clip.raw.frames, clip.first, clip.config.replace(target_kbps=60), new_pool=new_pool)
    assert np.array_equal(end["shown"], controller.shown)
    assert sum(rewards) == pytest.approx(-500 * end["overshoot"])


def test_lengths_are_followed(clip, new_pool):
    lengths = iter([4, 6])

    def decide(info):
        if info["asks_shape"]:
            return (LENGTHS.index(next(lengths, 0)), 0, 0, 0)
        return OWN

    _, steps = play(make(clip, new_pool), decide)
    records = steps[-1][2]["records"]
    planned = encode(
        *(clip.raw.frames, clip.first, clip.config.replace(target_kbps=60)),
        shapes=[GopShape(4), GopShape(6)],
        new_pool=new_pool,
    )
    assert gop_starts(records) == gop_starts(planned.records)
    own = encode(clip.raw.frames, clip.first, clip.config.replace(target_kbps=60), new_pool=new_pool)
    assert gop_starts(records) != gop_starts(own.records)


def test_the_mask_leaves_what_is_asked(clip, new_pool):
    env = make(clip, new_pool)
    _, info = env.reset(seed=0)
    counts = env.action_space.nvec
    parts = np.cumsum(counts)[:-1]
    kinds = set()
    done = False
    while not done:
        assert np.array_equal(env.action_masks(), info["action_mask"])
        masks = np.split(info["action_mask"], parts)
        if info["asks_shape"]:
            assert [mask.sum() for mask in masks] == [len(LENGTHS), len(LAYERS), len(STRENGTHS), 1]
        else:
            assert [mask.sum() for mask in masks] == [1, 1, 1, len(OFFSETS)]
        kinds.add(info["asks_shape"])
        action = env.action_space.sample(mask=tuple(masks))
        _, _, done, _, info = env.step(action)
    assert kinds == {0, 1}
    env.close()


def test_what_is_not_asked_is_ignored(clip, new_pool):
    plain, _ = play(make(clip, new_pool), lambda info: OWN)
    ends = []
    for fill in (OWN, (3, 4, 5, 1)):

        def decide(info, fill=fill):
            return (1, 2, 3, fill[3]) if info["asks_shape"] else (*fill[:3], 5)

        _, steps = play(make(clip, new_pool), decide)
        ends.append(steps[-1][2]["shown"])
    assert np.array_equal(*ends) and plain["asks_shape"]


def test_the_last_part_may_be_the_qindex_itself(clip, new_pool):
    env = make(clip, new_pool, offsets=None, guard=False)
    assert env.action_space.nvec[3] == 256
    _, steps = play(env, lambda info: (0, 0, 0, 91))
    assert {info["qindex_asked"] for _, _, info, _ in steps} == {-1, 91}


@pytest.mark.parametrize("action", [(0, 0, 0), (0, 0, 0, 15), (len(LENGTHS), 0, 0, 0), (0, -1, 0, 0), 3])
def test_actions_out_of_range_are_refused(clip, new_pool, action):
    env = make(clip, new_pool)
    env.reset(seed=0)
    with pytest.raises(BadInput, match="action"):
        env.step(np.array(action))
    env.step(np.array(OWN))
    env.close()


def test_rewards_add_up_over_both_kinds_of_steps(clip, new_pool):
    def decide(info):
        return (2, 0, 0, 0) if info["asks_shape"] else (0, 0, 0, 9)

    _, steps = play(make(clip, new_pool), decide)
    end = steps[-1][2]
    assert np.isfinite([reward for _, reward, _, _ in steps]).all()
    assert any(info["coded_type"] == -1 and info["bits"] == 0 for _, _, info, _ in steps)
    assert end["shown"]["bytes"].sum() > 0


def test_a_vector_plays_what_the_single_environment_plays(clip, new_pool):
    def decide(info):
        return (1, 3, 2, 0) if info["asks_shape"] else (0, 0, 0, 4)

    _, steps = play(make(clip, new_pool), decide)
    env = Vp9EncodeVectorEnv(2, [clip], [60], new_pool=new_pool)
    _, infos = env.reset(seed=0)
    for _, reward, _, observation in steps:
        actions = [decide({"asks_shape": asks}) for asks in infos["asks_shape"]]
        observations, rewards, ended, _, infos = env.step(np.array(actions))
        assert list(rewards) == pytest.approx([reward] * 2)
        assert np.array_equal(observations["gop"][0], observation["gop"])
    assert ended.all()
    env.close()
