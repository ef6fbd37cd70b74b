"""This machine's farm: jobs, calls, and policies that travel."""

import pickle
from hashlib import sha256
from pathlib import Path

import pytest
from support.farm_samples import moving_clip, policy_jobs, settings_of

from encoder_bridge.encode.batch import Job
from muzero_rc.deploy.policy_names import CONTROLLER, shipped
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.encoding.farm import LocalFarm, Shared, SharedFile, is_cancelled


@pytest.fixture
def farm():
    farm = LocalFarm(2)
    yield farm
    farm.close()


def test_calls_get_what_shared_arguments_stand_for(farm, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"content")
    shared = SharedFile(path, sha256(b"content").hexdigest())
    assert farm.submit(Path.read_bytes, shared).result() == b"content"
    assert farm.submit(sum, Shared("numbers", [1, 2, 3]), 4).result() == 10


def test_what_a_call_raises_is_raised(farm):
    with pytest.raises(ZeroDivisionError):
        farm.submit(divmod, 1, 0).result()


def test_a_cancelled_farm_begins_nothing_and_tells_what_runs(farm):
    assert farm.submit(is_cancelled).result() is False
    farm.cancel()
    with pytest.raises(RuntimeError):
        farm.submit(is_cancelled)


def test_a_call_can_ask_whether_it_is_cancelled(farm):
    asked = farm.submit(lambda: (farm.cancel(), is_cancelled())[1])
    assert asked.result() is True
    assert is_cancelled() is False  # nobody's call


@pytest.mark.parametrize("name", [CONTROLLER, *sorted(shipped())])
def test_a_policy_that_was_pickled_encodes_the_same(farm, name):
    engine, clip = libvpx_engine(), moving_clip()
    policy = engine.policy(str(shipped().get(name, name)))
    again = pickle.loads(pickle.dumps(policy))
    assert again.key == policy.key
    (first,) = farm.play(engine, [Job("first", clip, settings_of(clip), None)])
    here, there = (policy_jobs(clip, first.stats, one, 1) for one in (policy, again))
    made = [done.result.packets for done in farm.play(engine, [*here, *there])]
    assert made[0] == made[1] and len(made[0]) == len(clip)
