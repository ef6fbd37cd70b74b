"""make bench: what the hook costs, as ratios within one run.

Every figure compares runs that take turns, the best of each: other programs on the machine
slow single runs, not the best one. The hook's own cost is so small that it is taken in CPU time
of all threads, libvpx's and Python's. Nothing here is a test; nothing fails when a figure is missed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import bench_memory
import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.layouts import EVENT
from encoder_bridge.encode.lookahead import look_ahead
from encoder_bridge.media.vp9_headers import qindexes_of
from muzero_rc.cli.demo import find_clip

SMALL, MIDDLE, LARGE = (64, 48), (176, 144), (854, 480)
WAIT_S = 600.0

Row = tuple[str, str, str]
"""What, figure, what to reach."""


def decode(size: tuple[int, int], frames: int, *words: str) -> bytes:
    """The demo's clip, scaled; repeated where it is too short."""
    command = ["ffmpeg", "-v", "error", "-stream_loop", "-1", "-i", str(find_clip()), "-an"]
    command += ["-frames:v", str(frames), "-vf", f"scale={size[0]}:{size[1]}", "-pix_fmt", "yuv420p"]
    return subprocess.run([*command, *words, "-"], check=True, stdout=subprocess.PIPE).stdout


def taken(run: Callable[[], object], clock: Callable[[], float]) -> float:
    """Seconds of one run by `clock`."""
    start = clock()
    run()
    return clock() - start


def best(runs: Sequence[Callable[[], object]], rounds: int, clock: Callable[[], float]) -> list[float]:
    """The least of each run's seconds, over rounds in which they take turns."""
    seconds = [[taken(run, clock) for run in runs] for _ in range(rounds)]
    return [min(column) for column in zip(*seconds, strict=True)]


def children_s() -> float:
    """CPU seconds of all programs that ended so far."""
    times = os.times()
    return times.children_user + times.children_system


class Encodes:
    """Encodes side by side, bare or through the hook, that make the same packets.

    They are of constant quality, whose own plan replayed is bit-exact: what differs in time is the hook.
    """

    def __init__(self, size: tuple[int, int], frames: int, slots: int) -> None:
        self.clip = np.frombuffer(decode(size, frames, "-f", "rawvideo"), np.uint8)
        self.config = {"width": size[0], "height": size[1], "cpu_used": 5, "end_usage": 3, "cq_level": 40}
        self.slots = slots
        self.pool = _native.Pool(slots)
        self.pool.start(0, self.config, self.clip)
        self.pool.wait(0, WAIT_S)
        self.stats = self.pool.stats(0)
        self.pool.start(0, self.config, self.clip, stats=self.stats, mode="libvpx", keep_packets=True)
        self.pool.wait(0, WAIT_S)
        self.plan = np.array(qindexes_of(data for _, _, data in self.pool.take_packets(0)), np.int32)

    @property
    def decisions(self) -> int:
        """Of all slots together."""
        return self.slots * len(self.plan)

    def bare(self) -> None:
        """Runs under libvpx's own rate control."""
        self._start("libvpx")
        for slot in range(self.slots):
            self.pool.wait(slot, WAIT_S)

    def one_by_one(self) -> None:
        """Runs while Python takes and answers each question by itself."""
        events = np.zeros(1, EVENT)
        event, slot, qindex = events[0], np.zeros(1, np.int32), np.zeros(1, np.int32)
        frame = [0] * self.slots
        self._start("ask")
        while self.pool.recv(1, WAIT_S, events):
            if event["kind"] == _native.EVENT_DECISION:
                asking = int(event["slot"])
                slot[0], qindex[0] = asking, self.plan[frame[asking]]
                frame[asking] += 1
                self.pool.send(slot, qindex)

    def batched(self) -> None:
        """Runs while Python answers, in one go, all slots that ask."""
        events = np.zeros(self.slots, EVENT)
        frame = np.zeros(self.slots, np.int64)
        self._start("ask")
        while count := self.pool.recv(1, WAIT_S, events):
            asked = events[:count]
            slots = asked["slot"][asked["kind"] == _native.EVENT_DECISION]
            self.pool.send(slots, self.plan[frame[slots]])
            frame[slots] += 1

    def _start(self, mode: str) -> None:
        for slot in range(self.slots):
            self.pool.start(slot, self.config, self.clip, stats=self.stats, mode=mode, guard=False)


def hook_costs() -> list[Row]:
    """CPU microseconds per coded frame beyond libvpx's own."""
    single, pair = Encodes(SMALL, 200, slots=1), Encodes(SMALL, 200, slots=2)
    bare, asked = best([single.bare, single.one_by_one], 20, time.process_time)
    python_us = 1e6 * (asked - bare) / single.decisions
    bare, asked = best([pair.bare, pair.batched], 20, time.process_time)
    pool_us = 1e6 * (asked - bare) / pair.decisions
    return [
        ("hook per coded frame, through Python", f"{python_us:.0f} us", "at most 50 us"),
        ("hook per coded frame, through the pool", f"{pool_us:.0f} us", "at most 20 us"),
    ]


def pool_throughput() -> Row:
    """The pool against two bare encodes side by side."""
    pair = Encodes(MIDDLE, 100, slots=2)
    bare, asked = best([pair.bare, pair.batched], 8, time.perf_counter)
    return ("pool of 2 against 2 bare encodes, throughput", f"{bare / asked:.3f}", "at least 0.97")


def first_pass_notes() -> list[Row]:
    """What the lookahead, and everything that runs beside a first pass, adds to it.

    As shares of a second pass at cpu-used 4, and the whole as a multiple of libvpx's own first pass.
    """
    clip = np.frombuffer(decode(LARGE, 40, "-f", "rawvideo"), np.uint8)
    config = {"width": LARGE[0], "height": LARGE[1], "cpu_used": 4, "target_kbps": 600}
    pool = _native.Pool(1)

    def run(quick: int, **second: object) -> None:
        pool.start(0, config | {"quick": quick}, clip, **second)
        pool.wait(0, WAIT_S)

    run(1)
    stats = pool.stats(0)
    look = partial(look_ahead, clip.reshape(40, -1), *LARGE)
    runs = [partial(run, 0), partial(run, 1), partial(run, 1, stats=stats, mode="libvpx"), look]
    added, whole, own = [], [], []
    for clock in (time.perf_counter, time.process_time):
        plain_s, noted_s, second_s, look_s = best(runs, 3, clock)
        added.append((noted_s - plain_s) / second_s)
        whole.append(noted_s / plain_s)
        own.append(look_s / second_s)
    return [
        (
            "probe encodes and lookahead beside the first pass, 480p, wall time",
            f"{added[0]:.2f} of a second pass, {added[1]:.2f} in CPU time",
            "printed",
        ),
        ("lookahead, CPU time, 480p", f"{own[1]:.3f} of a second pass", "at most 0.10"),
        (
            "whole first pass against libvpx's own, 480p, wall time",
            f"{whole[0]:.2f}, {whole[1]:.2f} in CPU time",
            "at most 1.5",
        ),
    ]


def program_s(command: Sequence[str], cache: Path) -> tuple[float, float]:
    """Seconds of a program that starts with an empty cache: on the wall, and of CPU time."""
    shutil.rmtree(cache, ignore_errors=True)
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    run = partial(subprocess.run, command, check=True, capture_output=True, env=environment)
    before_s = children_s()
    wall_s = taken(run, time.perf_counter)
    return wall_s, children_s() - before_s


def against_vpxenc(folder: Path) -> list[Row]:
    """Whole programs: reading, both passes, writing.

    rc-encode by itself encodes once more where bits are left (`--refill`); vpxenc has nothing like it, so
    what is compared is one second pass each, and the other way is printed too.
    """
    what = "rc-encode (controller) against vpxenc, 480p, wall · CPU time"
    limit = "at most 1.05 · 1.15"
    if not shutil.which("vpxenc"):
        return [(what, "no vpxenc (apt: vpx-tools)", limit)]
    source = folder / "in.y4m"
    source.write_bytes(decode(LARGE, 50, "-f", "yuv4mpegpipe"))
    ours = [str(Path(sys.executable).with_name("rc-encode")), str(source), "-o", str(folder / "ours.webm")]
    ours += ["--bitrate", "600k", "--policy", "controller", "--cpu-used", "4", "--force", "--quiet"]
    theirs = ["vpxenc", "--codec=vp9", "--good", "--passes=2", "--quiet", "--cpu-used=4", "--auto-alt-ref=6"]
    theirs += ["--lag-in-frames=25", "--kf-max-dist=128", "--end-usage=vbr", "--target-bitrate=600"]
    theirs += ["--threads=1", "--row-mt=0", "-o", str(folder / "theirs.webm"), str(source)]
    commands = (theirs, [*ours, "--refill", "never"], ours)
    spent = [[program_s(command, folder / "cache") for command in commands] for _ in range(3)]
    (their_wall, their_cpu), *of_ours = [
        tuple(map(min, zip(*column, strict=True))) for column in zip(*spent, strict=True)
    ]
    figures = [
        f"{wall / their_wall:.3f} · {cpu / their_cpu:.3f} ({wall:.2f} s / {their_wall:.2f} s · "
        f"{cpu:.2f} s / {their_cpu:.2f} s)"
        for wall, cpu in of_ours
    ]
    return [(what, figures[0], limit), ("the same where it may encode once more", figures[1], "printed")]


def first_pass_memory() -> Row:
    """Peak memory of a first pass beside which probe encodes and lookahead run, against one without."""
    plain_mb, noted_mb = (bench_memory.alone(name, "1280x720", 60) for name in bench_memory.PASSES[:2])
    what = "memory of pass 1 with probe encodes and lookahead against without, 720p"
    return (what, f"{noted_mb / plain_mb:.2f} ({noted_mb:.0f} MB / {plain_mb:.0f} MB)", "at most 1.5")


PEAK = """
import sys
from pathlib import Path
from muzero_rc.cli.encode import main
status = main(sys.argv[1:])
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
print(peak.split()[1])
sys.exit(status)
"""


def memory_growth(folder: Path) -> Row:
    """rc-encode's peak memory at ten times the frames."""
    peak_mib = []
    for frames in (60, 600):
        source = folder / f"{frames}.mkv"
        source.write_bytes(decode(MIDDLE, frames, "-c:v", "ffv1", "-f", "matroska"))
        words = [str(source), "-o", str(folder / "m.webm"), "--bitrate", "100k", "--policy", "controller"]
        words += ["--cpu-used", "5", "--force", "--quiet"]
        printed = subprocess.run(
            [sys.executable, "-c", PEAK, *words],
            check=True,
            stdout=subprocess.PIPE,
            env=os.environ | {"XDG_CACHE_HOME": str(folder / "cache")},
        ).stdout
        peak_mib.append(int(printed.split()[-1]) / 1024)
    what = "rc-encode's memory at 10 x the frames"
    return (what, f"{peak_mib[0]:.0f} -> {peak_mib[1]:.0f} MiB", "no growth")


def show(rows: Iterable[Row]) -> None:
    """Prints each row of the table as it comes."""
    for what, figure, limit in rows:
        print(f"{what:<74}  {figure:>24}  {limit}".rstrip(), flush=True)


def main() -> None:
    """Prints the table."""
    show(hook_costs())
    show([pool_throughput()])
    show(first_pass_notes())
    with tempfile.TemporaryDirectory() as name:
        show(against_vpxenc(Path(name)))
        show([first_pass_memory()])
        show([memory_growth(Path(name))])


if __name__ == "__main__":
    main()
