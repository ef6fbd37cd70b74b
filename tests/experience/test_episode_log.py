"""The episode log: what goes in comes out, once, whatever is killed when."""

import dataclasses
import io
import json
import math
import os
import signal
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.failing_writes import run_with_faults
from support.learn_samples import episode

from encoder_bridge.encode.layouts import SHOWN
from muzero_rc.corpus.anchor import anchor_of
from muzero_rc.experience.episode import (
    DEMONSTRATION,
    OWN,
    SELFPLAY,
    EpisodeFormatError,
    from_bytes,
    to_bytes,
)
from muzero_rc.experience.episode_log import EpisodeTail, EpisodeWriter, read_log, segments
from muzero_rc.experience.opponents import replayed
from muzero_rc.experience.paired import PairedEncodes
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


def test_shown_frames_and_shapes_are_kept_and_older_logs_do_without(tmp_path):
    shown = np.zeros(4, SHOWN)
    shown["sse_y"], shown["bytes"] = range(4), 9
    shapes = np.array([[4, -1, -1, -1], [0, 2, 3, -1]], np.int32)
    with EpisodeWriter(tmp_path) as writer:
        writer.append(episode("new", shown=shown, shapes=shapes))
        writer.append(episode("old"))  # as it was written before there was such a field
    new, old = read_log(tmp_path)
    assert np.array_equal(new.shown, shown) and new.shown.dtype == SHOWN
    assert np.array_equal(new.shapes, shapes)
    assert old.shown is None and old.shapes is None


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


@pytest.fixture(scope="module")
def five(tmp_path_factory):
    """A segment of five episodes, its bytes and where each record begins."""
    folder, starts = tmp_path_factory.mktemp("five"), []
    with EpisodeWriter(folder) as writer:
        for i in range(5):
            starts.append(segments(folder)[0].stat().st_size if i else 0)
            writer.append(episode(str(i), index=i))
    return segments(folder)[0].read_bytes(), starts


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_flipped_byte_anywhere_loses_its_own_record_alone(five, tmp_path_factory, data):
    whole, starts = five
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[at] ^= data.draw(st.integers(1, 255))
    folder = tmp_path_factory.mktemp("flipped")
    (folder / "000000.episodes").write_bytes(flipped)
    hit = sum(start <= at for start in starts) - 1
    tail = EpisodeTail(folder, live=False)
    assert [e.index for e in tail.new()] == [i for i in range(5) if i != hit]
    size = (*starts, len(whole))[hit + 1] - starts[hit]
    assert (tail.damaged, tail.damaged_bytes) == (1, size)


def test_what_is_being_written_is_no_damage_until_something_follows(five, tmp_path, caplog):
    whole, starts = five
    path = tmp_path / "000000.episodes"
    path.write_bytes(whole[: starts[4] + 20])
    tail = EpisodeTail(tmp_path)
    assert [e.index for e in tail.new()] == [0, 1, 2, 3] and tail.damaged == 0
    path.write_bytes(whole)
    assert [e.index for e in tail.new()] == [4] and tail.damaged == 0
    path.write_bytes(whole + whole[:20])
    with EpisodeWriter(tmp_path) as writer:
        writer.append(episode("next"))
    assert [e.uid for e in tail.new()] == ["next"] and (tail.damaged, tail.damaged_bytes) == (1, 20)
    assert list(tail.new()) == []
    (said,) = caplog.messages
    assert said.startswith(
        f"{path}: left out 20 damaged bytes at {len(whole)} (in this log so far: 20 bytes in 1 places)"
    )


def of_format(number, **changes):
    """A segment with one episode as another format would have it; 1 has no format and fewer fields."""
    plain = json.loads(np.load(io.BytesIO(to_bytes(episode("self/7", **changes))))["meta"].tobytes())
    plain["format"] = number
    if number == 1:
        plain = {
            k: v for k, v in plain.items() if k not in ("format", "kind", "parent", "index", "frames_key")
        }
    buffer = io.BytesIO()
    np.savez(buffer, meta=np.frombuffer(json.dumps(plain).encode(), np.uint8), records=episode().records)
    payload = buffer.getvalue()
    return struct.pack("<4sII", b"MZEP", len(payload), zlib.crc32(payload)) + payload


def test_a_runs_own_log_of_format_1_is_read(tmp_path):
    (tmp_path / "000000.episodes").write_bytes(of_format(1))
    (one,) = read_log(tmp_path)
    assert (one.uid, one.parent, one.index, one.kind) == ("self/7", OWN, 7, "agent")


@pytest.mark.parametrize(("number", "source"), [(3, SELFPLAY), (1, "teacher")])
def test_other_formats_are_refused(tmp_path, number, source):
    (tmp_path / "000000.episodes").write_bytes(of_format(number, source=source))
    with pytest.raises(
        EpisodeFormatError, match=rf"000000\.episodes: a {source} episode of format {number}: .* is 2"
    ):
        list(read_log(tmp_path))


@pytest.mark.parametrize("full", [False, True])
def test_after_a_failing_write_the_log_has_what_was_acknowledged(tmp_path, full):
    run_with_faults(
        f"""
        from pathlib import Path
        from support.failing_writes import faults
        from support.learn_samples import episode
        from muzero_rc.experience.episode_log import EpisodeTail, EpisodeWriter

        lost = 0
        for n in faults(full={full}):
            folder, acknowledged = Path({str(tmp_path)!r}) / str(n), []
            with EpisodeWriter(folder, segment_bytes=1500) as writer:
                for i in range(4):
                    try:
                        writer.append(episode(str(i)))
                    except OSError:
                        lost += 1
                    else:
                        acknowledged.append(str(i))
            tail = EpisodeTail(folder, live=False)
            assert [e.uid for e in tail.new()] == acknowledged, n
            assert tail.damaged == 0, n
        assert lost > 4
        """,
        tmp_path,
    )


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
            source=DEMONSTRATION if i % 5 == 0 else SELFPLAY,
            greedy=i % 4 == 0,
            outcome=Outcome(rng.normal(), max(0.0, rng.normal(0, 0.01))),
        )
        for i in range(60)
    ]
    rule = SelfCompetition()
    pairs = PairedEncodes(lambda _: anchor_of([(1.0, 0.0), (math.e, 4.7)]))
    live = replayed([], rule, pairs)
    scores = []
    with EpisodeWriter(tmp_path) as writer:
        for one in log:
            writer.append(one)
            scores.append(live.update(one))
    again = replayed([], rule, pairs)
    assert [again.update(e) for e in read_log(tmp_path)] == scores
    assert again.table == live.table and set(scores) >= {1.0, -1.0, None}
    moved = sum(o.episodes for o in live.table.values())
    assert moved == sum(e.source == SELFPLAY and e.greedy for e in log)


def test_not_an_episode():
    with pytest.raises(ValueError, match="not an episode"):
        from_bytes(b"PK nonsense")
