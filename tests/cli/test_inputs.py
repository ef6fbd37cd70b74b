"""What rc-encode reads: one file that needs no other, unless it is allowed; never stale first passes."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muzero_rc.cli.encode import main

MakeClip = Callable[..., Path]


def segment(path: Path, source: str) -> None:
    lavfi = ["-f", "lavfi", "-i", f"{source}=size=64x48:rate=25", "-frames:v", "8"]
    codec = ["-c:v", "mpeg2video", "-q:v", "2", "-f", "mpegts"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *lavfi, *codec, path], check=True)


HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.32,\nsecret.ts\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile secret.ts\n"


@pytest.fixture(params=[("clip.m3u8", HLS), ("clip.mp4", CONCAT)], ids=["hls", "concat"])
def playlist(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file that names secret.ts beside it; a list of ffmpeg's own is known under any name."""
    segment(tmp_path / "secret.ts", "testsrc2")
    name, text = request.param
    path = tmp_path / str(name)
    path.write_text(text)
    return path


def test_a_playlist_under_another_name_is_refused(invoke: Any, tmp_path: Path) -> None:
    """By us, or by ffmpeg, which from 7.1.1 on takes HLS for what it is under its own names only."""
    segment(tmp_path / "secret.ts", "testsrc2")
    (tmp_path / "clip.mp4").write_text(HLS)
    ran = invoke(main, tmp_path / "clip.mp4", "-o", tmp_path / "o.webm", "--bitrate", "80k")
    assert ran.status == 2 and ran.err.count("\n") == 1
    assert "--allow-playlists" in ran.err or "is no video that ffmpeg can read" in ran.err
    assert not (tmp_path / "o.webm").exists()


def test_a_file_that_names_others_is_refused(invoke: Any, playlist: Path, tmp_path: Path) -> None:
    ran = invoke(main, playlist, "-o", tmp_path / "o.webm", "--bitrate", "80k")
    assert ran.status == 2
    assert ran.err.count("\n") == 1 and "--allow-playlists" in ran.err
    assert not (tmp_path / "o.webm").exists()


def test_playlists_that_are_allowed_never_use_stale_statistics(
    invoke: Any, playlist: Path, tmp_path: Path
) -> None:
    results = []
    for source, other_cache in (("testsrc2", ""), ("mandelbrot", ""), ("mandelbrot", "fresh")):
        segment(tmp_path / "secret.ts", source)
        with pytest.MonkeyPatch.context() as patch:
            if other_cache:
                patch.setenv("XDG_CACHE_HOME", str(tmp_path / other_cache))
            words = ("--bitrate", "80k", "--allow-playlists", "--json", "--force")
            ran = invoke(main, playlist, "-o", tmp_path / "o.webm", *words)
        assert ran.status == 0, ran.err
        assert json.loads(ran.out)["frames"] == 8
        results.append((tmp_path / "o.webm").read_bytes())
    assert results[0] != results[1] == results[2]
