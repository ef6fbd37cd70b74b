"""The extension's pool: answers, deadlines, cancelling, sources, lifetime."""

import gc
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.native_samples import (
    WAIT_S,
    answer,
    finish,
    first_pass,
    frame_bytes,
    moving_texture,
    packets_of,
    settings,
)

from encoder_bridge import _native
from encoder_bridge.encode.layouts import EVENT, SHOW_EXISTING, as_records, as_shown

WIDTH, HEIGHT, FRAMES = 63, 47, 24
CLIP = moving_texture(WIDTH, HEIGHT, FRAMES)
CONFIG = settings(WIDTH, HEIGHT, target_kbps=60)
NOTES_THREADS = 4  # beside a first pass: three probe encodes and the lookahead


@pytest.fixture
def pool() -> Iterator[_native.Pool]:
    pool = _native.Pool(2)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def stats() -> bytes:
    pool = _native.Pool(1)
    blob = first_pass(pool, CONFIG, CLIP)
    pool.close()
    return blob


def encoder_threads() -> int:
    count = 0
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):
            count += (task / "comm").read_text().startswith("muzero-rc")
    return count


def until(count: Callable[[], int], expected: int) -> bool:
    """The kernel lists a thread for a moment after it was joined."""
    deadline = time.monotonic() + WAIT_S
    while count() != expected and time.monotonic() < deadline:
        os.sched_yield()
    return count() == expected


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def one_decision(pool: _native.Pool, slot: int, stats: bytes, **options: Any) -> np.void:
    events = np.zeros(1, EVENT)
    pool.start(slot, CONFIG, CLIP, stats=stats, **options)
    assert pool.recv(1, WAIT_S, events) == 1
    assert events[0]["kind"] == _native.EVENT_DECISION
    return events[0]


def test_first_pass_gives_a_record_per_frame(pool: _native.Pool, stats: bytes) -> None:
    fields = np.frombuffer(pool.frame_stats(stats), np.float64).reshape(FRAMES, 25)
    assert np.floor(fields[:, 0]).tolist() == list(range(FRAMES))  # "frame"; a note follows the point
    assert (np.rint(fields[:, 24]) == 1).all()  # "count"
    with pytest.raises(ValueError, match="first pass"):
        pool.frame_stats(stats[:-1])


def test_every_answer_is_used_and_recorded(pool: _native.Pool, stats: bytes) -> None:
    pool.start(0, CONFIG, CLIP, stats=stats, guard=False, keep_packets=True)
    decisions = answer(pool, lambda event: 40 + 3 * int(event["coding_index"]) % 100)
    outcome = finish(pool, 0)
    records, shown = as_records(pool.records(0)), as_shown(pool.shown(0))
    coded = records[records["frame_type"] != SHOW_EXISTING]
    assert outcome["decisions"] == decisions == len(coded)
    assert (coded["qindex"] == coded["asked"]).all()
    assert (coded["asked"] == 40 + 3 * coded["coding_index"] % 100).all()
    assert shown["pts"].tolist() == list(range(FRAMES))
    assert shown["bytes"].sum() == outcome["packet_bytes"] == sum(map(len, packets_of(pool, 0)))
    pixels = frame_bytes(WIDTH, HEIGHT)
    assert (coded["pixels"] == pixels).all()


def test_records_and_psnr_packets_tell_the_same_error(pool: _native.Pool, stats: bytes) -> None:
    config = CONFIG | {"auto_alt_ref": 0}
    pool.start(0, config, CLIP, stats=stats)
    answer(pool, lambda event: int(event["q_ref"]))
    records, shown = as_records(pool.records(0)), as_shown(pool.shown(0))
    assert (records["sse"] == shown["sse_y"] + shown["sse_u"] + shown["sse_v"]).all()


@pytest.mark.parametrize("qindex", [-(2**31), -1, 0, 256, 100_000, 2**31 - 1])
def test_garbage_is_clamped(pool: _native.Pool, stats: bytes, qindex: int) -> None:
    pool.start(0, CONFIG, CLIP, stats=stats, guard=False)
    answer(pool, lambda event: qindex)
    assert finish(pool, 0)["ok"]
    records = as_records(pool.records(0))
    coded = records[records["frame_type"] != SHOW_EXISTING]
    assert (coded["qindex"] == (1 if qindex < 1 else 255)).all()


def test_two_slots_do_not_mix(pool: _native.Pool, stats: bytes) -> None:
    for slot in (0, 1):
        pool.start(slot, CONFIG, CLIP, stats=stats, guard=False)
    answer(pool, lambda event: 60 + 100 * int(event["slot"]))
    used = [set(as_records(pool.records(slot))["asked"].tolist()) - {0} for slot in (0, 1)]
    assert used == [{60}, {160}]


def test_records_grow_while_the_encode_waits(pool: _native.Pool, stats: bytes) -> None:
    one_decision(pool, 0, stats)
    assert pool.records(0) == b""
    with pytest.raises(_native.NativeError, match="still runs"):
        pool.outcome(0)
    pool.send(np.array([0], np.int32), np.array([100], np.int32))
    assert pool.recv(1, WAIT_S, np.zeros(1, EVENT)) == 1
    assert len(as_records(pool.records(0))) == 1


def test_waits_have_deadlines(pool: _native.Pool, stats: bytes) -> None:
    reader, writer = os.pipe()
    pool.start(0, CONFIG, reader)
    with pytest.raises(_native.WaitTimeout):
        pool.recv(1, 0.0, np.zeros(1, EVENT))
    assert not pool.wait(0, 0.0)
    one = np.zeros(1, EVENT)
    pool.start(1, CONFIG, CLIP, stats=stats)
    assert pool.recv(1, WAIT_S, one) == 1  # what is ready comes, whoever else is not
    with pytest.raises(_native.WaitTimeout):
        pool.recv(2, 0.0, one)
    os.close(reader)
    os.close(writer)


def test_recv_says_when_it_would_wait_for_ever(pool: _native.Pool, stats: bytes) -> None:
    assert pool.recv(1, WAIT_S, np.zeros(1, EVENT)) == 0
    one_decision(pool, 0, stats)
    with pytest.raises(ValueError, match="waits for send"):
        pool.recv(1, WAIT_S, np.zeros(1, EVENT))


@pytest.mark.parametrize("answers", range(4))
def test_cancel_after_some_answers(pool: _native.Pool, stats: bytes, answers: int) -> None:
    events = np.zeros(1, EVENT)
    one_decision(pool, 0, stats)
    for _ in range(answers):
        pool.send(np.array([0], np.int32), np.array([90], np.int32))
        pool.recv(1, WAIT_S, events)
    pool.cancel(0)
    pool.send(np.array([0], np.int32), np.array([90], np.int32))  # too late, and no error
    assert pool.recv(1, WAIT_S, events) == 1
    assert events[0]["kind"] == _native.EVENT_FAILED
    assert pool.outcome(0)["error"] == "cancelled"
    assert len(as_records(pool.records(0))) >= answers
    pool.start(0, CONFIG, CLIP, stats=stats)  # the slot is free again
    answer(pool, lambda event: 90)
    finish(pool, 0)


def test_cancel_from_another_thread_ends_a_wait(pool: _native.Pool) -> None:
    reader, writer = os.pipe()
    pool.start(0, CONFIG, reader)
    helper = threading.Thread(target=pool.cancel, args=(0,))
    helper.start()
    assert pool.wait(0, WAIT_S)
    helper.join()
    assert pool.outcome(0)["error"] == "cancelled"
    os.close(reader)
    os.close(writer)


def test_close_ends_a_wait_in_another_thread(pool: _native.Pool) -> None:
    reader, writer = os.pipe()
    pool.start(0, CONFIG, reader)
    helper = threading.Thread(target=pool.close)
    helper.start()
    # Closing cancels the encode: either its end is seen first, or the close.
    try:
        pool.recv(1, WAIT_S, np.zeros(1, EVENT))
    except ValueError as error:
        assert "closed" in str(error)
    helper.join()
    with pytest.raises(ValueError, match="closed"):
        pool.recv(1, WAIT_S, np.zeros(1, EVENT))
    os.close(reader)
    os.close(writer)


def test_an_abandoned_pool_frees_threads_files_and_the_source(stats: bytes) -> None:
    gc.collect()  # what an earlier test left behind
    assert until(encoder_threads, 0)
    files = open_files()
    reader, writer = os.pipe()
    pool = _native.Pool(2)
    clip = CLIP.copy()
    source = weakref.ref(clip)
    pool.start(0, CONFIG, clip, stats=stats)
    pool.start(1, CONFIG, reader)
    del clip
    gc.collect()
    assert until(encoder_threads, 2 + NOTES_THREADS)
    assert source() is not None
    del pool
    gc.collect()
    os.close(reader)
    os.close(writer)
    assert until(encoder_threads, 0)
    assert open_files() == files
    assert source() is None


def test_abandoned_encodes_do_not_pile_up_memory(stats: bytes) -> None:
    def resident_pages() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1])

    def abandon(times: int) -> None:
        for _ in range(times):
            one_decision(_native.Pool(1), 0, stats)

    abandon(10)
    before = resident_pages()
    abandon(60)
    leaked_per_encode = (resident_pages() - before) * os.sysconf("SC_PAGESIZE") / 60
    encoder_bytes = 1_000_000  # an encoder of this size holds more than that
    assert leaked_per_encode < encoder_bytes / 4


def test_a_source_is_released_when_its_encode_ends(pool: _native.Pool) -> None:
    clip = CLIP.copy()
    source = weakref.ref(clip)
    pool.start(0, CONFIG, clip)
    del clip
    finish(pool, 0)
    assert source() is None


def write_and_close(descriptor: int, data: bytes) -> threading.Thread:
    def write() -> None:
        with os.fdopen(descriptor, "wb") as pipe:
            pipe.write(data)

    writer = threading.Thread(target=write)
    writer.start()
    return writer


def test_frames_from_a_pipe_give_the_same_packets(pool: _native.Pool, stats: bytes) -> None:
    packets = []
    for piped in (False, True):
        source: Any = CLIP
        if piped:
            reader, descriptor = os.pipe()
            writer, source = write_and_close(descriptor, CLIP.tobytes()), reader
        pool.start(0, CONFIG, source, stats=stats, mode="libvpx", keep_packets=True)
        if piped:
            os.close(reader)  # the pool has its own
        finish(pool, 0)
        if piped:
            writer.join()
        packets.append(packets_of(pool, 0))
    assert packets[0] == packets[1]


def test_a_failed_encode_closes_the_pipe_for_its_writer(pool: _native.Pool, stats: bytes) -> None:
    reader, descriptor = os.pipe()
    pool.start(0, CONFIG, reader, stats=stats)
    os.close(reader)
    pool.cancel(0)
    assert pool.wait(0, WAIT_S)
    with pytest.raises(BrokenPipeError):
        os.write(descriptor, b"x")
    os.close(descriptor)


@pytest.mark.parametrize(
    ("size", "error"),
    [
        (0, "the source has no frames"),
        (1, "the source ends in the middle of frame 1"),
        (CLIP.nbytes - 1, f"the source ends in the middle of frame {FRAMES}"),
        (
            CLIP.nbytes - CLIP[0].nbytes,
            f"the source has {FRAMES - 1} frames, but the first pass saw {FRAMES}",
        ),
        (CLIP.nbytes + CLIP[0].nbytes, f"the source has more frames than the first pass saw ({FRAMES})"),
    ],
)
@pytest.mark.parametrize("piped", [False, True])
def test_a_source_of_the_wrong_length_fails_in_words(
    pool: _native.Pool, stats: bytes, size: int, error: str, piped: bool
) -> None:
    data = np.concatenate([CLIP, CLIP]).tobytes()[:size]
    reader, descriptor = os.pipe()
    writer = write_and_close(descriptor, data if piped else b"")
    pool.start(0, CONFIG, reader if piped else data, stats=stats, mode="libvpx")
    assert pool.wait(0, WAIT_S)
    assert pool.outcome(0) | {"ok": False, "error": error} == pool.outcome(0)
    os.close(reader)
    writer.join()


def test_a_policy_in_c_decides_like_its_q_ref_in_python(pool: _native.Pool, stats: bytes) -> None:
    policy = _native.Policy("controller")
    pool.start(0, CONFIG, CLIP, stats=stats, mode="policy", policy=policy, keep_packets=True)
    finish(pool, 0)
    in_c = as_records(pool.records(0)), packets_of(pool, 0)
    pool.start(0, CONFIG, CLIP, stats=stats, mode="ask", keep_packets=True)
    answer(pool, lambda event: int(event["q_ref"]))
    assert (as_records(pool.records(0)) == in_c[0]).all()
    assert packets_of(pool, 0) == in_c[1]


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(_native.NativeError, match="nowhere"):
        _native.Policy("/nowhere/nothing.safetensors")


def test_wrong_use_is_refused(pool: _native.Pool, stats: bytes) -> None:
    one = np.zeros(1, EVENT)
    for config, message in [
        (CONFIG | {"qp": 3}, "unknown encoder setting 'qp'"),
        (CONFIG | {"width": 0}, "width"),
        (CONFIG | {"target_kbps": 2**40}, "target_kbps"),
    ]:
        with pytest.raises(ValueError, match=message):
            pool.start(0, config, CLIP)
    with pytest.raises(ValueError, match="slot"):
        pool.start(2, CONFIG, CLIP)
    with pytest.raises(ValueError, match="mode"):
        pool.start(0, CONFIG, CLIP, stats=stats, mode="psychic")
    with pytest.raises(ValueError, match="policy"):
        pool.start(0, CONFIG, CLIP, stats=stats, mode="policy")
    with pytest.raises(ValueError, match="first pass"):
        pool.start(0, CONFIG, CLIP, stats=b"x" * 207)
    with pytest.raises(OSError, match="descriptor"):
        pool.start(0, CONFIG, 10_000)
    with pytest.raises(ValueError, match="no encode"):
        pool.outcome(0)
    with pytest.raises(ValueError, match="slots"):
        pool.send(np.array([0]), np.array([9], np.int32))
    with pytest.raises(ValueError, match="waits for no decision"):
        pool.send(np.array([0], np.int32), np.array([9], np.int32))
    with pytest.raises(ValueError, match="timeout_s"):
        pool.recv(1, float("nan"), one)
    with pytest.raises(ValueError, match="out"):
        pool.recv(1, 0.0, np.zeros(3, np.int32))
    with pytest.raises(ValueError, match="slots"):
        _native.Pool(0)


def test_settings_that_libvpx_refuses_fail_in_words(pool: _native.Pool) -> None:
    pool.start(0, CONFIG | {"auto_alt_ref": 9}, CLIP)
    assert pool.wait(0, WAIT_S)
    assert pool.outcome(0)["error"] == "libvpx refuses auto_alt_ref 9"


def test_a_running_slot_is_not_started_over(pool: _native.Pool, stats: bytes) -> None:
    one_decision(pool, 0, stats)
    with pytest.raises(_native.NativeError, match="slot 0 still runs"):
        pool.start(0, CONFIG, CLIP, stats=stats)


def test_progress_counts_frames_and_packets(pool: _native.Pool, stats: bytes) -> None:
    pool.start(0, CONFIG, CLIP, stats=stats, mode="libvpx")
    outcome = finish(pool, 0)
    assert pool.progress(0) == (FRAMES, FRAMES, outcome["packet_bytes"])
    assert outcome["frames"] == FRAMES
    assert outcome["encode_seconds"] > 0
