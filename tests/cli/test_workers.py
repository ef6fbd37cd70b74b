"""rc-encode --workers: a film in parts is one film, also when it is killed in the middle."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muzero_rc.cli.encode import main
from muzero_rc.encoding import film as film_module

MakeClip = Callable[..., Path]
FAST = ("--bitrate", "150k", "--cpu-used", "5", "--kf-max-dist", "16", "--json")
FRAMES = 48
KILLED = """
import os, signal, sys
from muzero_rc.encoding.part_store import PartStore
from muzero_rc.cli.encode import main
store = PartStore.store
def killed(self, name, data):
    store(self, name, data)
    os.kill(os.getpid(), signal.SIGKILL)
PartStore.store = killed
sys.exit(main())
"""


def parts_of(folder: Path) -> list[Path]:
    return [*(folder / "muzero-rc" / "parts").rglob("*.part")]


def frames_in(path: Path) -> int:
    words = ("-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0")
    return int(subprocess.run(["ffprobe", *words, str(path)], check=True, capture_output=True).stdout)


def test_a_killed_film_is_finished_by_the_same_command(
    invoke: Any,
    make_clip: MakeClip,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    clip, output, made = make_clip("64x48", FRAMES), tmp_path / "o.webm", []
    words = [str(clip), "-o", str(output), *FAST, "--workers", "2", "--refill", "never"]
    killed = subprocess.run([sys.executable, "-c", KILLED, *words], check=False, env={**os.environ})
    assert killed.returncode == -signal.SIGKILL
    assert not output.exists() and parts_of(tmp_path / "cache")

    second_pass = film_module.second_pass

    def counted(*args: Any, **options: Any) -> Any:
        made.append(options["part"].first)
        return second_pass(*args, **options)

    monkeypatch.setattr(film_module, "second_pass", counted)
    resumed = invoke(main, *words)
    assert resumed.status == 0, resumed.err
    parts = json.loads(resumed.out)["parts"]
    assert parts > 1 and len(made) < parts
    assert not (tmp_path / "cache" / "muzero-rc" / "parts").exists() or not parts_of(tmp_path / "cache")

    made.clear()
    whole = tmp_path / "whole.webm"
    words[2] = str(whole)
    assert invoke(main, *words).status == 0
    assert len(made) == parts
    assert whole.read_bytes() == output.read_bytes()


def test_a_film_in_parts_keeps_its_frames_and_its_target(
    invoke: Any, make_clip: MakeClip, tmp_path: Path
) -> None:
    results = {}
    for workers in ("1", "3"):
        output = tmp_path / f"{workers}.mkv"
        ran = invoke(main, make_clip("64x48", FRAMES), "-o", output, *FAST, "--workers", workers)
        assert ran.status == 0, ran.err
        results[workers] = json.loads(ran.out)
        assert frames_in(output) == FRAMES
    assert results["1"]["parts"] == 1 and results["3"]["parts"] == 3
    assert results["3"]["kbps"] <= 150
    assert results["3"]["worker_mb"] > 0
    assert results["3"]["psnr_y_db"] > results["1"]["psnr_y_db"] - 2


def test_short_clips_have_one_part_when_nothing_is_said(
    invoke: Any, make_clip: MakeClip, tmp_path: Path
) -> None:
    packets = []
    for words in ((), ("--workers", "1")):
        output = tmp_path / f"{len(words)}.webm"
        ran = invoke(main, make_clip(), "-o", output, *FAST, *words)
        assert json.loads(ran.out)["parts"] == 1
        packets.append(output.read_bytes())
    assert packets[0] == packets[1]


def test_a_target_size_holds_in_parts_too(invoke: Any, make_clip: MakeClip, tmp_path: Path) -> None:
    output, clip = tmp_path / "o.webm", make_clip("64x48", FRAMES)
    words = ("--target-size", "20K", "--cpu-used", "5", "--kf-max-dist", "16", "--json", "--workers", "2")
    ran = invoke(main, clip, "-o", output, *words)
    assert ran.status == 0, ran.err
    assert output.stat().st_size <= 20_000
    assert json.loads(ran.out)["parts"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--workers", "0"), "out of range"),
        (("--workers", "2", "--policy", "libvpx"), "one budget"),
    ],
)
def test_workers_that_cannot_be_are_refused(
    invoke: Any, make_clip: MakeClip, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    ran = invoke(main, make_clip(), "-o", tmp_path / "o.webm", *FAST, *words)
    assert ran.status == 2
    assert said in ran.err
    assert list(tmp_path.iterdir()) == []
