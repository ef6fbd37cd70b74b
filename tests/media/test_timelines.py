"""Timestamps from file to file: edit lists, holes, variable rates, changes of the picture's size."""

import itertools
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from media.test_mux import encode_file, ffprobe, video_times

from encoder_bridge.errors import BadInput
from encoder_bridge.media.decode import open_clip, read_frames
from encoder_bridge.media.probe import probe
from encoder_bridge.media.timestamps import show_times

UNKNOWN = np.iinfo(np.int64).min
X264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, words)], check=True)


def source_times(path):
    words = ("-select_streams", "v", "-show_frames", "-show_entries", "frame=best_effort_timestamp_time")
    times = [float(f["best_effort_timestamp_time"]) for f in ffprobe(path, *words)["frames"]]
    return [time - times[0] for time in times]


def test_what_an_edit_list_hides_is_not_missing(footage, tmp_path):
    long = footage("long.mp4", "size=96x54:rate=25", 150, *X264, "-g", "100", "-bf", "3")
    edited = tmp_path / "edited.mp4"
    ffmpeg("-ss", "2.3", "-i", long, "-c", "copy", edited)
    clip = probe(edited)
    assert (clip.frames, clip.fps, clip.times) == (92, 25, ())
    assert len(read_frames(clip)) == 92


def test_an_avi_whose_header_counts_padding(tmp_path):
    padded = tmp_path / "padded.avi"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=2"),
        *("-f", "lavfi", "-i", "sine=duration=2.1", "-c:v", "mpeg4", "-c:a", "libmp3lame", padded),
    )
    (video, _) = ffprobe(padded, "-show_streams", "-count_packets")["streams"]
    assert int(video["nb_frames"]) > int(video["nb_read_packets"])
    assert len(read_frames(padded)) == int(video["nb_read_packets"])


VARIABLE = {
    "a hole": "select='lt(n,8)+gt(n,20)'",
    "one frame dropped": "select='not(eq(n,7))'",
    "a phone": "settb=1/90000,setpts='(N*3000+mod(N*N*37,900))'",
    "a screen recording": "select='not(mod(n*n,7))+lt(n,3)'",
}


@pytest.mark.parametrize("filters", VARIABLE.values(), ids=VARIABLE)
@pytest.mark.parametrize(("suffix", "tick_s"), [("mkv", 0.001), ("mp4", 0.0001)])
def test_every_frame_keeps_its_time(tmp_path, filters, suffix, tick_s):
    source, output = tmp_path / f"source.{suffix}", tmp_path / f"out.{suffix}"
    lavfi = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=1.6", "-vf", filters)
    ffmpeg(*lavfi, "-fps_mode", "passthrough", "-enc_time_base", "1:90000", *X264, source)
    result = encode_file(source, output)
    expected = source_times(source)
    assert video_times(output) == pytest.approx(expected, abs=tick_s)
    clip = probe(source)
    assert clip.times and any("variable frame rate" in note for note in clip.notes)
    # The budget is over real seconds.
    assert expected[-1] < clip.seconds < expected[-1] + max(np.diff(expected)) + 0.001
    assert result.kbps == pytest.approx(8 * result.packet_bytes / clip.seconds / 1000, rel=1e-4)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_long_last_frame_stays_long(tmp_path, suffix):
    source, output = tmp_path / "slides.mp4", tmp_path / f"out.{suffix}"
    filters = "setts=duration=if(eq(N\\,9)\\,DURATION*60\\,DURATION)"
    lavfi = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25")
    ffmpeg(*lavfi, "-frames:v", "10", *X264, "-bf", "0", tmp_path / "short.mp4")
    ffmpeg("-i", tmp_path / "short.mp4", "-c", "copy", "-bsf:v", filters, source)
    assert float(ffprobe(source, "-show_format")["format"]["duration"]) == pytest.approx(2.76, abs=0.01)
    encode_file(source, output)
    assert float(ffprobe(output, "-show_format")["format"]["duration"]) == pytest.approx(2.76, abs=0.01)


def test_frames_after_a_change_of_size_are_scaled_to_the_first(tmp_path):
    parts = []
    for number, size in enumerate(("64x48", "128x96")):
        parts.append(tmp_path / f"{number}.ts")
        lavfi = ("-f", "lavfi", "-i", f"color=gray:size={size}:rate=25", "-frames:v", "10")
        ffmpeg(*lavfi, "-c:v", "mpeg2video", "-output_ts_offset", number * 0.4, "-f", "mpegts", parts[-1])
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames = read_frames(joined)
    assert frames.shape[1] == 64 * 48 * 3 // 2 and 18 <= len(frames) <= 20
    assert np.ptp(frames.astype(int)) <= 8  # gray throughout, no torn rows


def test_timestamps_without_sense_are_refused_in_a_sentence(tmp_path, footage):
    slow = tmp_path / "slow.mkv"
    ffmpeg("-i", footage("two.mkv", "size=64x48:rate=25", 3), "-vf", "setpts=N*N*9000000", *X264, slow)
    with pytest.raises(BadInput, match=r"damaged timestamps .*--fps"):
        probe(slow)


ticks = st.lists(st.one_of(st.integers(-(2**60), 2**60), st.just(UNKNOWN)), min_size=1, max_size=40)


@given(ticks=ticks, last=st.integers(0, 10**6))
def test_times_always_rise(ticks, last):
    times = show_times(np.array(ticks, np.int64), last)
    assert len(times) == len(ticks) + 1 and times[0] >= 0
    assert all(a < b for a, b in itertools.pairwise(times))


@given(ticks=st.lists(st.integers(-1000, 10**9), min_size=2, max_size=40, unique=True))
def test_times_that_rise_stay(ticks):
    ticks = sorted(ticks)
    assert show_times(np.array(ticks, np.int64), 5)[:-1] == tuple(t - ticks[0] for t in ticks)
    assert show_times(np.array(ticks, np.int64), 5)[-1] == ticks[-1] - ticks[0] + 5


def test_a_converted_rate_is_constant(footage):
    from encoder_bridge.media.selection import Selection

    with open_clip(footage("loaded.mkv"), selection=Selection(fps=Fraction(50))) as clip:
        assert (clip.fps, clip.frames, clip.times) == (50, 24, ())
        assert len(read_frames(clip)) == 24
