import numpy as np
import pytest
from support.libvpx_releases import system

from encoder_bridge import _native
from encoder_bridge.encode.first_pass import first_pass
from encoder_bridge.encode.layouts import SHOW_EXISTING
from encoder_bridge.encode.objective import Objective
from encoder_bridge.encode.objective_quality import measured_quality
from encoder_bridge.encode.run import encode
from encoder_bridge.env.clips import EnvClip
from encoder_bridge.env.paired_gain import PairedGain
from encoder_bridge.env.reward import EpisodeStart, EveryStep, shown_records
from encoder_bridge.env.single import Vp9RateControlEnv
from encoder_bridge.env.variants import Vp9RateControlRelativeEnv
from encoder_bridge.errors import BadInput


def play(env, action, **options):
    """The rewards of an episode of one action, and the last info."""
    env.reset(seed=0, options=options)
    rewards, done = [], False
    while not done:
        _, reward, done, _, info = env.step(np.int64(action))
        rewards.append(reward)
    env.close()
    return rewards, info


def tells_errors_late(new_pool) -> bool:
    """libvpx 1.15 and newer tell a frame's error with its packet, not with its result."""
    return new_pool is _native.Pool and system().by_index


def test_a_reward_sees_every_step(clip, new_pool):
    steps = []

    def reward(step):
        steps.append(step)
        return float(len(steps))

    rewards, end = play(Vp9RateControlEnv([clip], new_pool=new_pool, reward=EveryStep(reward)), 120)
    assert rewards == list(range(1, len(steps) + 1))
    records = end["records"]
    seen = np.concatenate([step.new for step in steps])
    for name in set(records.dtype.names) - {"sse", "sse_after"}:
        assert np.array_equal(seen[name], records[name])
    late = records["sse_after"] > 0  # its error came with its packet, so the step had none
    late[steps[-1].first_new :] = False  # at the end all packets are there
    assert np.array_equal(seen["sse"], np.where(late, -1, records["sse"]))
    assert late.any() == tells_errors_late(new_pool)
    assert sum(step.bits for step in steps) == records["bits"].sum()
    assert [step.is_shown for step in steps].count(True) + sum(len(s.show_existing) for s in steps) == 12
    assert all(step.frame["frame_type"] != SHOW_EXISTING for step in steps)
    assert np.array_equal(np.concatenate([step.packets for step in steps]), end["shown"])
    assert [step.outcome is None for step in steps] == [True] * (len(steps) - 1) + [False]
    assert steps[-1].outcome.kbps == end["kbps"]


def with_short_lag(clip):
    """The same frames of which libvpx gives out some packets before the flush at the end."""
    config = clip.config.replace(lag_in_frames=6)
    return EnvClip(clip.name, clip.raw, config, first_pass(clip.raw.frames, config))


def test_the_error_of_what_a_step_shows_is_known_at_once_or_with_its_packet(clip, new_pool):
    if tells_errors_late(new_pool):
        clip = with_short_lag(clip)
    known, packets = [], []

    def reward(step):
        known.append(shown_records(step.records)["sse"])
        packets.append(len(step.packets))
        return 0.0

    _, end = play(Vp9RateControlEnv([clip], new_pool=new_pool, reward=EveryStep(reward)), 120)
    whole = end["shown"]
    total = whole["sse_y"] + whole["sse_u"] + whole["sse_v"]
    assert len(total) == len(known[-1]) == sum(packets) == 12
    if not tells_errors_late(new_pool):
        for errors in known:
            assert np.allclose(errors, total[: len(errors)], rtol=0.01)
        return
    for errors, given_out in zip(known, np.cumsum(packets), strict=True):
        assert np.array_equal(errors[:given_out], total[:given_out])
        assert (errors[given_out:] == -1).all()
    assert len(set(np.cumsum(packets))) > 3  # not all of them at the end


def test_a_plain_function_is_refused(clip, new_pool):
    with pytest.raises(BadInput, match="AtEnd"):
        Vp9RateControlEnv([clip], new_pool=new_pool, reward=lambda outcome: outcome.kbps)


def test_the_controller_gains_nothing_over_itself(clip, new_pool):
    env = Vp9RateControlRelativeEnv([clip], [60], new_pool=new_pool, offsets=[-30, 0, 30])
    rewards, end = play(env, 1)
    assert rewards[:-1] == pytest.approx([0.0] * (len(rewards) - 1), abs=1e-9)
    assert rewards[-1] == pytest.approx(-500 * end["overshoot"])  # 0 where it keeps its target


def start_of(clip, new_pool, target_kbps):
    return EpisodeStart(clip, clip.config.replace(target_kbps=target_kbps), new_pool)


@pytest.mark.parametrize("environment", [Vp9RateControlEnv, Vp9RateControlRelativeEnv])
def test_by_default_the_rewards_add_up_to_the_gain_over_the_controller(clip, new_pool, environment):
    rewards, end = play(environment([clip], [60], new_pool=new_pool), 12)
    trace = PairedGain().trace(start_of(clip, new_pool, 60))
    controller = encode(clip.raw.frames, clip.first, clip.config.replace(target_kbps=60), new_pool=new_pool)
    quality = (end["psnr_y_db"] - controller.psnr_y_db) / trace.slope_db
    expected = 100 * (quality - np.log(end["kbps"] / controller.kbps)) - 500 * end["overshoot"]
    assert sum(rewards) == pytest.approx(expected) and abs(expected) > 0.1
    assert sum(reward != 0 for reward in rewards) > len(rewards) / 2


def test_going_over_costs_its_price(clip, new_pool):
    gains = []
    for price in (0.0, 3.0):
        env = Vp9RateControlEnv([clip], [40], new_pool=new_pool, reward=PairedGain(overshoot_price=price))
        rewards, end = play(env, 60, guard=False)
        gains.append(sum(rewards))
    assert end["overshoot"] > 0.1
    assert gains[0] - gains[1] == pytest.approx(300 * end["overshoot"])


def test_the_controllers_encodes_are_made_once(clip, new_pool):
    made = []

    def counted(slots):
        made.append(slots)
        return new_pool(slots)

    reward = PairedGain()
    for _ in range(2):
        reward.begin(start_of(clip, counted, 60))
    assert len(made) == 3  # at the target, and two for the slope
    PairedGain(slope_db=5.0).begin(start_of(clip, counted, 60))
    assert len(made) == 4


def test_a_slope_is_the_clips_own(clip, new_pool):
    trace = PairedGain().trace(start_of(clip, new_pool, 60))
    low, high = (
        encode(clip.raw.frames, clip.first, clip.config.replace(target_kbps=k), new_pool=new_pool)
        for k in (48, 75)
    )
    slope = (high.psnr_y_db - low.psnr_y_db) / np.log(high.kbps / low.kbps)
    assert trace.slope_db == pytest.approx(slope)


def test_gains_may_be_in_another_metric(clip, new_pool):
    if new_pool is not _native.Pool:
        pytest.skip("the fake's packets cannot be decoded")
    reward = PairedGain(metric="ssim", slope_db=5.0)
    rewards, end = play(Vp9RateControlEnv([clip], [60], reward=reward), 120)
    trace, config = reward.trace(start_of(clip, _native.Pool, 60)), clip.config.replace(target_kbps=60)
    plan = [int(record["qindex"]) for record in end["records"] if record["frame_type"] != SHOW_EXISTING]
    again = encode(clip.raw.frames, clip.first, config, mode="plan", plan=plan, keep_packets=True)
    ssim_db = measured_quality(Objective.parse("ssim"), clip.raw, again.psnr_y_db, again.packets)
    gain = 100 * ((ssim_db - trace.quality_db) / 5.0 - np.log(end["kbps"] / trace.rate_kbps))
    assert sum(rewards) == pytest.approx(gain - 500 * end["overshoot"])
    assert abs(ssim_db - end["psnr_y_db"]) > 0.1
