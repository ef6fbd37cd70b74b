"""Without ffmpeg's programs: PyAV answers what ffprobe would, imageio-ffmpeg's program does the rest."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from encoder_bridge.errors import BadInput, EncodeFailed
from encoder_bridge.media.container_check import check_container
from encoder_bridge.media.containers import CONTAINERS
from encoder_bridge.media.probe import VideoFile, probe
from encoder_bridge.media.sources import open_source

pytest.importorskip("av")
pytest.importorskip("imageio_ffmpeg")
PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25")
CLIPS = {
    "plain.y4m": PICTURE,
    "reordered.mkv": (*PICTURE, "-c:v", "libx264", "-bf", "2"),
    "reordered.mp4": (*PICTURE, "-c:v", "libx264", "-bf", "2"),
    "hidden.webm": (*PICTURE, "-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "10"),
    "variable.mkv": (
        *PICTURE,
        "-vf",
        "setpts='if(lt(N,10),N,N*2)/25/TB'",
        "-vsync",
        "vfr",
        "-c:v",
        "libx264",
    ),
    "colour.mkv": (
        *PICTURE,
        "-c:v",
        "libx264",
        "-colorspace",
        "bt709",
        "-color_range",
        "pc",
        "-metadata",
        "title=x",
    ),
    "deep.mkv": (*PICTURE, "-c:v", "ffv1", "-pix_fmt", "yuv422p10le"),
    "old.avi": (*PICTURE, "-c:v", "mpeg4"),
    "sound.mkv": (*PICTURE, "-f", "lavfi", "-i", "sine", "-c:v", "libx264", "-c:a", "aac", "-t", "0.8"),
}


def make(folder: Path, name: str) -> Path:
    path = folder / name
    command = ["ffmpeg", "-v", "error", *CLIPS[name], "-frames:v", "20", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Call it, and neither ffmpeg nor ffprobe is here."""
    return lambda: monkeypatch.setenv("PATH", str(tmp_path / "empty"))


@pytest.mark.parametrize("name", CLIPS)
def test_pyav_says_what_ffprobe_says(name: str, tmp_path: Path, no_programs) -> None:
    path = make(tmp_path, name)
    expected = probe(path), probe(path, max_frames=7)
    no_programs()
    for ours, theirs in zip((probe(path), probe(path, max_frames=7)), expected, strict=True):
        assert comparable(ours) == comparable(theirs)


def comparable(clip: VideoFile) -> dict[str, object]:
    return {field.name: getattr(clip, field.name) for field in dataclasses.fields(clip)}


def test_rotation(tmp_path: Path, no_programs) -> None:
    turned = tmp_path / "turned.mp4"
    words = ["-i", str(make(tmp_path, "reordered.mp4")), "-c", "copy", "-metadata:s:v", "rotate=90"]
    subprocess.run(["ffmpeg", "-v", "error", *words, str(turned)], check=True)
    expected = probe(turned)
    no_programs()
    found = probe(turned)
    assert (found.width, found.height, found.notes) == (expected.width, expected.height, expected.notes)


def test_numbered_pictures(tmp_path: Path, no_programs) -> None:
    subprocess.run(["ffmpeg", "-v", "error", *PICTURE, "-frames:v", "5", tmp_path / "p%02d.png"], check=True)
    no_programs()
    with open_source(tmp_path / "p%02d.png", fps=25) as source:
        assert (probe(source).frames, probe(source).fps) == (5, 25)


@pytest.mark.parametrize(
    ("name", "keep", "said"),
    [
        ("reordered.mkv", 3000, "is cut short after"),
        ("reordered.mp4", 4000, "is cut short, or its recording was never finished"),
        ("plain.y4m", 30_000, "is cut short after 3"),
        ("plain.y4m", 5, "is no video that ffmpeg can read"),
    ],
)
def test_damaged_files_are_refused_in_the_same_words(
    name: str, keep: int, said: str, tmp_path: Path, no_programs
) -> None:
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(make(tmp_path, name).read_bytes()[:keep])
    with pytest.raises(BadInput, match=said) as theirs:
        probe(cut)
    no_programs()
    with pytest.raises(BadInput, match=said) as ours:
        probe(cut)
    assert str(ours.value) == str(theirs.value)


def test_playlists_are_refused(tmp_path: Path, no_programs) -> None:
    make(tmp_path, "plain.y4m")
    playlist = tmp_path / "list.mkv"
    playlist.write_text("ffconcat version 1.0\nfile plain.y4m\n")
    no_programs()
    with pytest.raises(BadInput, match="is a playlist"):
        probe(playlist)


def test_muxed_files_are_read_back(tmp_path: Path, no_programs) -> None:
    path = make(tmp_path, "sound.mkv")
    no_programs()
    with pytest.raises(EncodeFailed, match="0 of 1 encoded packets are in it"):
        check_container(path, [1], container=CONTAINERS["mkv"], others=["audio"])


def run(*words: str, block: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """rc-encode where no program is, and none of the modules in `block`."""
    code = f"import sys\nfor name in {block.split()!r}: sys.modules[name] = None\n"
    code += "from muzero_rc.cli.encode import main\nsys.exit(main())"
    env = {**os.environ, "PATH": "/nonexistent", **environment}
    return subprocess.run(
        [sys.executable, "-c", code, *words], env=env, capture_output=True, text=True, check=False
    )


def test_a_file_is_encoded_with_what_pip_brings(tmp_path: Path) -> None:
    clip, output = make(tmp_path, "sound.mkv"), tmp_path / "out.webm"
    done = run(str(clip), "-o", str(output), "--bitrate", "60k", XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    assert probe(output).frames == 20 and probe(output).audio_codecs == ("opus",)


@pytest.mark.parametrize(
    ("missing", "block"), [("ffprobe", "av"), ("ffmpeg", "imageio_ffmpeg"), ("ffprobe", "av imageio_ffmpeg")]
)
def test_what_is_missing_is_named_with_the_command_that_brings_it(
    missing: str, block: str, tmp_path: Path
) -> None:
    clip = make(tmp_path, "plain.y4m")
    done = run(str(clip), "-o", str(tmp_path / "out.webm"), "--bitrate", "60k", block=block)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"rc-encode: {missing} is not installed: apt install ffmpeg, or pip install 'muzero-rc[av]'"
    )
    assert not (tmp_path / "out.webm").exists()
