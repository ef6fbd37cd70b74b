import io
import os
import subprocess
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder_bridge.errors import BadInput, BridgeError
from encoder_bridge.media.decode import open_clip, open_frames, read_frames
from encoder_bridge.media.probe import probe
from encoder_bridge.media.timestamps import constant_rate

H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")


def test_an_ordinary_file(h264):
    clip = probe(h264)
    assert (clip.width, clip.height, clip.fps, clip.frames) == (176, 144, 25, 15)
    assert (clip.audio_codecs, clip.notes, clip.start_s) == (("aac",), (), 0.0)
    assert read_frames(clip).shape == (15, 176 * 144 * 3 // 2)


def test_frames_are_what_ffmpeg_decodes(h264):
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(h264), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"],
        check=True,
        capture_output=True,
    ).stdout
    assert read_frames(h264).tobytes() == raw


def test_a_pipe_gives_the_same_frames_and_only_so_many(h264):
    with open_frames(h264, max_frames=4) as pipe:
        with os.fdopen(os.dup(pipe.fileno()), "rb") as stream:
            data = stream.read()
        pipe.check(len(data) // pipe.clip.frame_bytes)
    assert data == read_frames(h264)[:4].tobytes()


def test_a_pipe_that_is_left_early_leaves_no_process(h264):
    with open_frames(h264) as pipe:
        process = pipe._process
    assert process.returncode is not None


@pytest.mark.parametrize(
    ("name", "pattern", "options", "fps"),
    [
        ("ntsc.mkv", "size=64x48:rate=30000/1001", H264, Fraction(30000, 1001)),
        (
            "vp8-hidden.webm",
            "size=64x48:rate=25",
            ("-c:v", "libvpx", "-b:v", "50k", "-auto-alt-ref", "1"),
            25,
        ),
        ("old.avi", "size=64x48:rate=25", ("-c:v", "mpeg4", "-bf", "2"), 25),
        ("raw.h264", "size=64x48:rate=25", (*H264, "-f", "h264"), 25),
        ("broadcast.ts", "size=64x48:rate=25", H264, 25),
        ("film.mov", "size=64x48:rate=24000/1001", H264, Fraction(24000, 1001)),
        ("fast.mkv", "size=64x48:rate=120", H264, 120),
    ],
)
def test_frame_rates_of_many_containers(footage, name, pattern, options, fps):
    clip = probe(footage(name, pattern, 24, *options))
    assert (clip.fps, clip.frames, len(read_frames(clip))) == (fps, 24, 24)


@pytest.mark.parametrize("name", ["-dash.mkv", 'sp ace\'s "q".mkv', "ünï%d:→.mkv", "file:x.mkv"])
def test_awkward_names(footage, name, monkeypatch):
    path = footage(name)
    monkeypatch.chdir(path.parent)
    assert len(read_frames(name)) == 12


@pytest.mark.parametrize(("size", "frames"), [("63x47", 3), ("2x2", 2), ("64x48", 1), ("17x2", 1)])
def test_odd_sizes_and_single_frames(footage, size, frames):
    # The pattern itself has even sides only.
    scale = f"format=yuv444p,scale={size.replace('x', ':')}"
    path = footage(f"{size}-{frames}.mkv", "size=64x48:rate=25", frames, "-vf", scale, "-c:v", "ffv1")
    clip = probe(path)
    width, height = map(int, size.split("x"))
    assert (clip.width, clip.height) == (width, height)
    assert read_frames(clip).shape == (frames, width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2))


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("ten.mkv", ("-c:v", "ffv1", "-pix_fmt", "yuv420p10le"), "10-bit"),
        ("full-chroma.mkv", ("-c:v", "ffv1", "-pix_fmt", "yuv444p"), "4:2:0"),
        ("rgb.mkv", ("-c:v", "ffv1", "-pix_fmt", "gbrp"), "4:2:0"),
        ("alpha.mkv", ("-c:v", "ffv1", "-pix_fmt", "yuva420p"), "transparency"),
        ("interlaced.mkv", (*H264, "-vf", "setfield=tff", "-flags", "+ilme+ildct"), "interlaced"),
        ("hdr.mkv", (*H264, "-vf", "setparams=color_trc=smpte2084"), "HDR"),
    ],
)
def test_notes_say_what_the_conversion_loses(footage, name, options, words):
    clip = probe(footage(name, "size=64x48:rate=25", 3, *options))
    assert any(words in note for note in clip.notes), clip.notes
    assert read_frames(clip).shape == (3, 64 * 48 * 3 // 2)


def test_rotation_is_applied_and_noted(h264, tmp_path):
    turned = tmp_path / "turned.mp4"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        str(h264),
        "-c",
        "copy",
        "-metadata:s:v",
        "rotate=90",
        str(turned),
    ]
    if subprocess.run(command).returncode or not probe(turned).notes:
        pytest.skip("this ffmpeg writes rotation in another way")
    clip = probe(turned)
    assert (clip.width, clip.height) == (144, 176)
    assert "upright" in clip.notes[0]


def cut(path, share, name):
    data = path.read_bytes()
    short = path.with_name(name)
    short.write_bytes(data[: int(share * len(data))])
    return short


def test_bad_files_are_refused_in_one_line(footage, h264, tmp_path):
    text, empty = tmp_path / "text.mp4", tmp_path / "empty.mp4"
    text.write_text("no video\n" * 100)
    empty.touch()
    unfinished = footage("unfinished.mp4", "size=64x48:rate=25", 40, *H264)
    y4m = footage("whole.y4m", "size=64x48:rate=25", 6, "-pix_fmt", "yuv420p")
    one_pixel = footage(
        "pixel.mkv", "size=64x48:rate=25", 2, "-vf", "format=yuv444p,scale=1:1", "-c:v", "ffv1"
    )
    sound = tmp_path / "sound.wav"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=0.1", str(sound)], check=True)
    cases = {
        tmp_path / "missing.mp4": "no such file",
        tmp_path: "folder",
        text: "no video",
        empty: "no video",
        sound: "no video stream",
        cut(unfinished, 0.6, "no-index.mp4"): "cut short",
        cut(h264, 0.7, "half.mp4"): "cut short after",
        cut(footage("whole.mkv", "size=64x48:rate=25", 40), 0.6, "half.mkv"): "cut short after",
        cut(y4m, 0.6, "half.y4m"): "cut short after 3",
        cut(y4m, 0.01, "none.y4m"): "no frame|no video",
        one_pixel: "size 1x1",
    }
    for path, words in cases.items():
        with pytest.raises(BadInput, match=words) as refused:
            read_frames(path)
        assert "\n" not in str(refused.value)


def test_damage_in_the_middle_is_refused(footage):
    whole = footage("damaged-source.mkv", "size=64x48:rate=25", 40, *H264, "-g", "1")
    data = bytearray(whole.read_bytes())
    for start in range(len(data) // 4, len(data) * 3 // 4, 40):
        data[start : start + 30] = b"\xff" * 30
    damaged = whole.with_name("damaged.mkv")
    damaged.write_bytes(data)
    with pytest.raises(BadInput):
        read_frames(damaged)


def test_max_frames_below_one_is_refused(h264):
    with pytest.raises(BadInput, match="at least 1"):
        probe(h264, max_frames=0)


def test_stdin_is_spooled_once(footage, monkeypatch):
    y4m = footage("piped.y4m", "size=64x48:rate=25", 4, "-pix_fmt", "yuv420p")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(y4m.read_bytes())))
    with open_clip("-") as clip:
        spooled = clip.path
        assert np.array_equal(read_frames(clip), read_frames(y4m))
    assert not spooled.exists()


def test_empty_stdin_is_refused(monkeypatch):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO()))
    with pytest.raises(BadInput, match="stdin holds no bytes"), open_clip("-"):
        pass


@given(
    fps=st.sampled_from(
        [Fraction(24), Fraction(30000, 1001), Fraction(24000, 1001), Fraction(50), Fraction(7)]
    ),
    frames=st.integers(3, 400),
    start=st.integers(0, 10**6),
    tick=st.sampled_from([Fraction(1, 1000), Fraction(1, 90000), Fraction(1, 12800)]),
)
def test_rounded_timestamps_are_a_constant_rate(fps, frames, start, tick):
    pts = np.array([start + round(i / fps / tick) for i in range(frames)])
    rate = constant_rate(pts, tick, [fps])
    assert rate == fps
    guessed = constant_rate(pts, tick, [])
    assert guessed is not None and abs(guessed - fps) * frames < fps * Fraction(1, 4)


@given(frames=st.integers(8, 60), gap=st.integers(2, 6))
def test_a_missing_frame_is_a_variable_rate(frames, gap):
    pts = np.delete(np.arange(frames) * 40, gap)
    assert constant_rate(pts, Fraction(1, 1000), [Fraction(25)]) is None


def test_every_error_is_also_a_builtin():
    ours = [kind for kind in BridgeError.__subclasses__() if kind.__module__ == BridgeError.__module__]
    assert len(ours) >= 5
    for kind in ours:
        assert issubclass(kind, ValueError | RuntimeError | TimeoutError)
