"""Bad input to rc-encode: one clear line, exit 2, nothing written."""

import os
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muzero_rc.cli.encode import main

Invoke = Callable[..., object]


@pytest.fixture
def refused(invoke: Callable[..., object], tmp_path: Path) -> Callable[..., str]:
    """Runs rc-encode, checks that it refuses properly, and gives the line."""
    folder = tmp_path / "out"
    folder.mkdir()

    def run(*words: str | Path, bitrate: str = "100k", output: Path | str | None = None) -> str:
        before = sorted(folder.iterdir())
        ran = invoke(main, *words, "--bitrate", bitrate, "-o", output or folder / "out.webm")
        assert ran.status == 2, ran
        assert ran.err.count("\n") == 1 and ran.err.startswith("rc-encode: "), ran.err
        assert "Traceback" not in ran.err
        assert ran.out == ""
        assert sorted(folder.iterdir()) == before
        return str(ran.err)

    return run


def test_missing_file(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "nowhere.mp4" in refused(tmp_path / "nowhere.mp4")


def test_text_named_mp4(refused: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("this is not a video\n" * 50)
    assert "text.mp4" in refused(path)


@pytest.mark.parametrize("options", [[], ["-movflags", "+faststart"]], ids=["index last", "index first"])
def test_truncated_mp4(
    refused: Callable[..., str], tmp_path: Path, make_clip: Callable[..., Path], options: list[str]
) -> None:
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    remux = ["ffmpeg", "-v", "error", "-i", make_clip(frames=20), "-c", "copy", *options, whole]
    subprocess.run(remux, check=True)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    assert "cut.mp4" in refused(cut)


def test_empty_file(refused: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "empty.mkv"
    path.touch()
    assert "empty.mkv" in refused(path)


def test_no_frames(refused: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "none.y4m"
    path.write_bytes(b"YUV4MPEG2 W64 H48 F25:1 Ip A1:1 C420jpeg\n")
    assert "none.y4m" in refused(path)


def test_one_by_one(refused: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "dot.y4m"
    path.write_bytes(b"YUV4MPEG2 W1 H1 F25:1 Ip A1:1 C420jpeg\n" + 4 * b"FRAME\n\x80\x80\x80")
    line = refused(path)
    assert "dot.y4m" in line and "1x1" in line


def test_only_audio(refused: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    assert "sound.wav" in refused(path)


@pytest.mark.parametrize(
    "bitrate",
    ["0", "0k", "-100k", "abc", "nan", "inf", "", "1e5", "300", "99999999M", "10 k", "1,5M", "300kb"],
)
def test_bitrates(refused: Callable[..., str], make_clip: Callable[..., Path], bitrate: str) -> None:
    line = refused(make_clip(), bitrate=bitrate)
    assert "bitrate" in line


def test_a_bitrate_without_unit_gets_a_hint(
    refused: Callable[..., str], make_clip: Callable[..., Path]
) -> None:
    assert "did you mean 300k?" in refused(make_clip(), bitrate="300")


def test_output_is_the_input(
    refused: Callable[..., str], make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    source = tmp_path / "same.mkv"
    source.write_bytes(make_clip().read_bytes())
    (tmp_path / "link.webm").hardlink_to(source)
    for output in (source, tmp_path / "link.webm"):
        for force in ([], ["--force"]):
            assert "is the input" in refused(source, *force, output=output)
    assert source.read_bytes() == make_clip().read_bytes()


def test_folder_does_not_exist(
    refused: Callable[..., str], make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    assert "missing" in refused(make_clip(), output=tmp_path / "missing" / "out.webm")


def test_output_exists(refused: Callable[..., str], make_clip: Callable[..., Path], tmp_path: Path) -> None:
    output = tmp_path / "out.webm"
    output.write_text("precious")
    assert "--force" in refused(make_clip(), output=output)
    assert output.read_text() == "precious"


def test_output_is_a_folder(
    refused: Callable[..., str], make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    assert "folder" in refused(make_clip(), output=tmp_path)


def test_unknown_policy_names_those_there_are(
    refused: Callable[..., str], make_clip: Callable[..., Path]
) -> None:
    line = refused(make_clip(), "--policy", "contoller")
    assert "contoller" in line and "controller" in line and "libvpx" in line


def test_a_policy_file_that_is_none(
    refused: Callable[..., str], make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    path = tmp_path / "fake.safetensors"
    for content in (b"", b"hello", b"\xff" * 64, (2).to_bytes(8, "little") + b"{}"):
        path.write_bytes(content)
        assert "fake.safetensors" in refused(make_clip(), "--policy", path)


def test_a_policy_that_is_a_folder(
    refused: Callable[..., str], make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    assert "folder" in refused(make_clip(), "--policy", tmp_path)


@pytest.mark.parametrize(
    "words",
    [
        ["--cpu-used", "77"],
        ["--cpu-used", "fast"],
        ["--auto-alt-ref", "7"],
        ["--kf-max-dist", "-1"],
        ["--threads", "-2"],
        ["--max-frames", "0"],
        ["--max-frames", "-3"],
        ["--audio", "loud"],
        ["--no-such-option"],
        ["another.mkv"],
    ],
)
def test_options_out_of_range(
    refused: Callable[..., str], make_clip: Callable[..., Path], words: list[str]
) -> None:
    refused(make_clip(), *words)


def test_nothing_at_all(invoke: Callable[..., object]) -> None:
    ran = invoke(main)
    assert ran.status == 2
    assert ran.err.count("\n") == 1


def test_an_output_that_is_no_regular_file_is_refused_and_stays(
    invoke: Any, make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to("nowhere")
    for output, words in ((pipe, "is a pipe"), (link, "is a link to nothing")):
        ran = invoke(main, make_clip(), "-o", output, "--bitrate", "80k", "--force")
        assert (ran.status, ran.err) == (2, f"rc-encode: {output} {words}: name a file\n")
    assert pipe.is_fifo() and link.is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "link"}


def test_an_output_that_is_a_link_to_a_file_is_written_through(
    invoke: Any, make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    target, link = tmp_path / "target.webm", tmp_path / "link.webm"
    target.write_text("before")
    link.symlink_to("target.webm")
    assert invoke(main, make_clip(), "-o", link, "--bitrate", "80k", "--force").status == 0
    assert link.readlink() == Path("target.webm")
    assert target.read_bytes().startswith(b"\x1a\x45\xdf\xa3")
