"""The episode log: what goes in comes out, once, whatever is killed when."""

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.learn_samples import episode

from muzero_rc.experience.episode_log import (
    SELFPLAY,
    TEACHER,
    EpisodeTail,
    EpisodeWriter,
    from_bytes,
    read_log,
    segments,
)
from muzero_rc.experience.opponents import replayed
from muzero_rc.reward.outcome import Outcome
from muzero_rc.reward.self_competition import SelfCompetition


def same(a, b):
    return all(
        np.array_equal(x, y) if isinstance(x := getattr(a, f.name), np.ndarray) else x == getattr(b, f.name)
        for f in dataclasses.fields(a)
        for y in [getattr(b, f.name)]
    )


def test_round_trip(tmp_path):
    episodes = [
        episode("a"),
        episode("b", policies=np.ones((3, 25), np.float16), values=np.zeros(3, np.float32)),
    ]
    with EpisodeWriter(tmp_path) as writer:
        for one in episodes:
            writer.append(one)
    read = list(read_log(tmp_path))
    assert len(read) == 2 and all(map(same, read, episodes))
    assert read[0].records.dtype == episodes[0].records.dtype


def test_a_uid_counts_once(tmp_path):
    for _ in range(2):  # two writers, as after a crash between append and acknowledgement
        with EpisodeWriter(tmp_path) as writer:
            writer.append(episode("a"))
    assert [e.uid for e in read_log(tmp_path)] == ["a"]


def test_segments_rotate_and_keep_the_order(tmp_path):
    with EpisodeWriter(tmp_path, segment_bytes=1) as writer:
        for i in range(12):
            writer.append(episode(str(i)))
    assert len(segments(tmp_path)) == 12
    assert [e.uid for e in read_log(tmp_path)] == [str(i) for i in range(12)]


def test_a_tail_sees_each_episode_when_it_is_whole(tmp_path):
    tail = EpisodeTail(tmp_path / "log")
    assert list(tail.new()) == []
    with EpisodeWriter(tmp_path / "log") as writer:
        writer.append(episode("a"))
        assert [e.uid for e in tail.new()] == ["a"]
        writer.append(episode("b"))
        writer.append(episode("c"))
        assert [e.uid for e in tail.new()] == ["b", "c"]
    assert list(tail.new()) == []


@given(cut=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_a_torn_tail_loses_only_itself(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("log")
    with EpisodeWriter(folder) as writer:
        writer.append(episode("a"))
        whole = segments(folder)[0].stat().st_size
        writer.append(episode("b"))
    path = segments(folder)[0]
    data = path.read_bytes()
    path.write_bytes(data[: min(len(data) - 1, whole + cut % (len(data) - whole))])
    with EpisodeWriter(folder) as writer:  # the run goes on
        writer.append(episode("c"))
    assert [e.uid for e in read_log(folder)] == ["a", "c"]


def test_a_flipped_bit_ends_its_segment(tmp_path):
    with EpisodeWriter(tmp_path) as writer:
        writer.append(episode("a"))
        at = segments(tmp_path)[0].stat().st_size
        writer.append(episode("b"))
    path = segments(tmp_path)[0]
    data = bytearray(path.read_bytes())
    data[at + 40] ^= 1
    path.write_bytes(data)
    assert [e.uid for e in read_log(tmp_path)] == ["a"]


WRITER = """
import sys
from pathlib import Path
from muzero_rc.experience.episode_log import EpisodeWriter
from support.learn_samples import episode
writer = EpisodeWriter(Path(sys.argv[1]))
for i in range(10**9):
    writer.append(episode(f"{sys.argv[2]}-{i}"))
    print(i, flush=True)
"""


def test_kill_9_loses_no_finished_episode(tmp_path):
    finished = []
    for run in "xy":
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), run],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )
        finished += [f"{run}-{process.stdout.readline().strip()}" for _ in range(5)]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    uids = [e.uid for e in read_log(tmp_path)]
    assert set(finished) <= set(uids) and len(uids) == len(set(uids))


def test_opponents_come_out_of_the_log_again(tmp_path):
    rng = np.random.default_rng(1)
    log = [
        episode(
            str(i),
            clip=f"clip{i % 3}",
            source=TEACHER if i % 5 == 0 else SELFPLAY,
            greedy=i % 4 == 0,
            outcome=Outcome(rng.normal(), max(0.0, rng.normal(0, 0.01))),
        )
        for i in range(60)
    ]
    rule = SelfCompetition()
    live = replayed([], rule)
    scores = []
    with EpisodeWriter(tmp_path) as writer:
        for one in log:
            writer.append(one)
            scores.append(live.take(one))
    again = replayed([], rule)
    assert [again.take(e) for e in read_log(tmp_path)] == scores
    assert again.table == live.table and set(scores) >= {1.0, -1.0, None}
    moved = sum(o.episodes for o in live.table.values())
    assert moved == sum(e.source == SELFPLAY and e.greedy for e in log)


def test_not_an_episode():
    with pytest.raises(ValueError, match="not an episode"):
        from_bytes(b"PK nonsense")
