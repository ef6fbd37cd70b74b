"""What the preload keeps and says between two passes: peaks, real time, logs of other clips."""

import json
import subprocess
import sys

import pytest
from support.plugin_samples import RC_PLUGIN, ffmpeg_pass, make_y4m, packets, run, with_policy

HARD = "nullsrc=s=96x64:r=25,geq=random(1)*255:128:128"
EASY = "testsrc2=s=96x64:r=25"
VARIABLE = ("-fps_mode", "passthrough")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("passes")


def make(path, filters, *options):
    graph = ["-f", "lavfi", "-i", filters] if isinstance(filters, str) else filters
    command = ["ffmpeg", "-v", "error", *map(str, graph), *options, "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, check=True)
    return path


def both_passes(clip, out, *options, first="controller", second="controller"):
    """Runs pass 1 and pass 2; what the plugin said in the second one."""
    assert run(*(with_policy(first) if first else ()), *ffmpeg_pass(clip, 1, "-", *options)).status == 0
    return run(*(with_policy(second) if second else ()), *ffmpeg_pass(clip, 2, out, *options))


def shown(path):
    """Seconds and bits of each packet."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "packet=pts_time,size"]
    done = subprocess.run([*command, "-of", "json", str(path)], check=True, capture_output=True)
    return [(float(one["pts_time"]), 8 * int(one["size"])) for one in json.loads(done.stdout)["packets"]]


def highest_need(path, kbps):
    """Bits that the worst stretch of packets takes above `kbps` over its time."""
    all_packets = shown(path)
    return max(
        sum(bits for _, bits in all_packets[first : last + 1])
        - 1000 * kbps * (all_packets[last][0] - all_packets[first][0])
        for first in range(len(all_packets))
        for last in range(first, len(all_packets))
    )


def test_maxrate_and_bufsize_are_kept(folder):
    graph = f"{EASY},trim=end_frame=25[a];{HARD},trim=end_frame=20[b];[a][b]concat"
    clip = make(folder / "hard.y4m", graph, "-frames:v", "45")
    rate = ("-b:v", "300k", "-maxrate", "360k", "-bufsize", "240k")
    done = both_passes(clip, folder / "held.webm", *rate)
    first, last = done.lines
    assert "96x64 at 300 kbps, peaks up to 360 kbps with a buffer of 240 kbits" in first
    assert "% of the target used, at most " in last and "% of the buffer" in last
    assert highest_need(folder / "held.webm", 360) < 240_000
    both_passes(clip, folder / "alone.webm", *rate, first=None, second=None)
    assert highest_need(folder / "alone.webm", 360) > 240_000


def test_without_maxrate_there_is_no_peak(folder):
    clip = make_y4m(folder / "plain.y4m", "64x48", 8)
    done = both_passes(clip, folder / "plain.ivf", "-bufsize", "80k")
    both_passes(clip, folder / "usual.ivf")
    assert not any("peak" in line or "buffer" in line for line in done.lines)
    assert packets(folder / "plain.ivf") == packets(folder / "usual.ivf")


def test_a_variable_rate_keeps_its_times_and_the_budget_is_of_real_seconds(folder):
    graph = f"{EASY},noise=alls=30:allf=t:all_seed=7,setpts='(N+2*floor(N/3))/(25*TB)'"
    clip = make(folder / "variable.mkv", graph, "-frames:v", "40", "-c:v", "ffv1", *VARIABLE)
    both_passes(clip, folder / "variable.webm", "-b:v", "150k", *VARIABLE)
    times = [time for time, _ in shown(folder / "variable.webm")]
    assert times == pytest.approx([time for time, _ in shown(clip)], abs=0.0015)
    seconds = times[-1] + 0.04
    assert seconds > 1.3 * len(times) / 25
    kbps = sum(bits for _, bits in shown(folder / "variable.webm")) / seconds / 1000
    assert 0.9 * 150 < kbps <= 150


def test_the_second_pass_says_when_the_first_ran_alone(folder):
    clip = make_y4m(folder / "alone.y4m", "64x48", 8)
    done = both_passes(clip, folder / "alone.ivf", first=None)
    assert ["nothing was noted in its first pass" in line for line in done.lines] == [True, False]
    done = both_passes(clip, folder / "with.ivf")
    assert not any("nothing was noted" in line for line in done.lines)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (16, "the first pass saw 8 frames and here is one more"),
        (6, "the first pass saw 8 frames and the second 6"),
    ],
)
def test_a_log_of_another_clip_is_said_once(folder, frames, words):
    log = (
        make_y4m(folder / "log.y4m", "64x48", 8) if not (folder / "log.y4m").exists() else folder / "log.y4m"
    )
    run(*ffmpeg_pass(log, 1, "-"))
    other = make_y4m(folder / f"other-{frames}.y4m", "64x48", frames)
    command = ffmpeg_pass(other, 2, folder / f"other-{frames}.ivf", "-passlogfile", str(log))
    done = run(*with_policy("controller"), *command)
    said = [line for line in done.lines if words in line]
    assert len(said) == 1, done.err


def test_what_libvpx_refuses_is_no_missing_libvpx(folder):
    clip = make_y4m(folder / "refused.y4m", "64x48", 4)
    done = run(*with_policy("controller"), *ffmpeg_pass(clip, 1, "-", "-qmin", "50", "-qmax", "10"))
    assert done.status != 0
    assert ["libvpx refused the program's settings" in line for line in done.lines] == [True]
    done = run(
        *with_policy("controller"), "ffmpeg", "-v", "error", "-i", folder / "nowhere.y4m", "-f", "null", "-"
    )
    assert ["built in" in line for line in done.lines] == [False]


@pytest.mark.parametrize("options", [(), ("--strict",), ("--policy", "controller"), ("--policy=controller",)])
def test_exec_without_dashes_says_what_to_write(options):
    done = run(*RC_PLUGIN, "exec", *options, sys.executable, "-c", "pass")
    assert done.status == 2
    assert done.err.splitlines() == [
        f"rc-plugin: exec needs -- before the program: rc-plugin exec -- {sys.executable} …"
    ]
