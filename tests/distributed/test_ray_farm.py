"""A cluster of two machines, made here: what it encodes, and what it does when one of them dies."""

import os
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from support.farm_samples import (
    GatedFollower,
    die_once,
    moving_clip,
    plan_jobs,
    policy_jobs,
    settings_of,
)

from encoder_bridge.encode.batch import Job
from encoder_bridge.errors import BadInput, EncodeFailed
from muzero_rc.deploy.policy_names import shipped
from muzero_rc.distributed import ray_farm
from muzero_rc.distributed.ray_farm import RayFarm
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.encoding.farm import LocalFarm, Shared, SharedFile
from muzero_rc.encoding.qindex_plan import follow_plans

ray = pytest.importorskip("ray", reason="the extra `cluster` is not installed")
TESTS = str(Path(__file__).parents[1])  # where what is asked of the cluster is imported from
pytestmark = pytest.mark.slow  # Ray takes its time to begin


@pytest.fixture(scope="module")
def cluster():
    from ray.cluster_utils import Cluster

    size = {"num_cpus": 1, "object_store_memory": 100 << 20}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [TESTS, os.environ.get("PYTHONPATH")])))
        cluster = Cluster(initialize_head=True, head_node_args={**size, "include_dashboard": False})
        cluster.add_node(**size)
        yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def farm(cluster):
    farm = RayFarm(cluster.address)
    yield farm
    farm.close()


@pytest.fixture(scope="module")
def jobs():
    """Some of each kind, and what this machine makes of them."""
    engine, clip, local = libvpx_engine(), moving_clip(), LocalFarm(1)
    (first,) = local.play(engine, [Job("first", clip, settings_of(clip), None)])
    policy = engine.policy(str(shipped()["default"]))
    jobs = [*plan_jobs(clip, first.stats, 4), *policy_jobs(clip, first.stats, policy, 4)]
    jobs.append(Job("first pass", clip, settings_of(clip), None))
    again = [*plan_jobs(clip, first.stats, 4), *jobs[4:]]  # a plan is followed once
    expected = {done.job.name: done for done in local.play(engine, again, follow_plans)}
    local.close()
    return engine, jobs, expected


def test_results_are_the_same_bytes(farm, jobs):
    engine, jobs, expected = jobs
    assert farm.slots == 2
    done = list(farm.play(engine, jobs, follow_plans))
    assert sorted(one.job.name for one in done) == sorted(expected)
    for one in done:
        there = expected[one.job.name]
        assert (one.error, one.stats) == ("", there.stats)
        assert one.job.clip is jobs[0].clip
        if there.encode is not None:
            assert one.result.packets == there.result.packets
            assert np.array_equal(one.result.records, there.result.records)
            assert np.array_equal(one.result.shown, there.result.shown)


def test_calls_get_what_shared_arguments_stand_for(farm, tmp_path, monkeypatch):
    path = tmp_path / "clip.bin"
    path.write_bytes(b"content")
    shared = SharedFile(path, sha256(b"content").hexdigest())
    assert farm.submit(Path.read_bytes, shared).result() == b"content"
    assert farm.submit(os.path.basename, shared).result() == "clip.bin"
    assert farm.submit(sum, Shared("numbers", [1, 2, 3]), 4).result() == 10
    with pytest.raises(ZeroDivisionError):
        farm.submit(divmod, 1, 0).result()
    with pytest.raises(BadInput, match="no 8x8 video"):
        farm.submit(ray_farm.RawClip, np.zeros((1, 2), np.uint8), 8, 8, 25).result()


def test_a_call_whose_process_dies_is_made_again(farm, tmp_path):
    calls = [farm.submit(die_once, str(tmp_path), number) for number in range(3)]
    assert [call.result(timeout=120) for call in calls] == [0, 1, 2]
    assert len(list(tmp_path.glob("died*"))) == 3


def test_a_call_that_always_kills_its_process_is_given_up(farm, monkeypatch):
    monkeypatch.setattr(farm, "_call", farm._call.options(max_retries=1))
    with pytest.raises(EncodeFailed, match="the farm lost a task"):
        farm.submit(os._exit, 1).result(timeout=120)


def test_when_a_machine_dies_nothing_is_lost_and_nothing_counts_twice(cluster, farm, jobs, tmp_path):
    engine, jobs, expected = jobs
    for name in ("begun", "go"):
        os.mkfifo(tmp_path / name)
    begun, go = (os.open(tmp_path / name, os.O_RDWR) for name in ("begun", "go"))
    gated = plan_jobs(jobs[0].clip, jobs[0].stats, 4, lambda i, plan: GatedFollower(tmp_path, i, plan))
    here = ray.get_runtime_context().get_node_id()
    (other,) = (node for node in cluster.list_all_nodes() if node.node_id != here)
    with ThreadPoolExecutor(1) as thread, os.fdopen(begun, "rb") as notes:
        played = thread.submit(lambda: list(farm.play(engine, gated, follow_plans)))
        running = dict(notes.readline().split() for _ in range(2))
        assert len(set(running.values())) == 2  # one on each machine
        cluster.remove_node(other, allow_graceful=False)
        os.write(go, b"." * 64)
        done = played.result(timeout=120)
        again = [notes.readline().split()[0] for _ in range(3)]
    os.close(go)
    assert sorted(one.job.name for one in done) == [f"plan{i}" for i in range(4)]
    for one in done:
        assert one.result.packets == expected[one.job.name].result.packets
    assert len({*running, *again}) == 4 and len([*running, *again]) == 5  # one of them was begun twice
