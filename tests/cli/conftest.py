"""Tiny clips, made once, and a way to run a command inside this process."""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

Main = Callable[[Sequence[str]], int]


@dataclass(frozen=True)
class Ran:
    """What a command printed and ended with."""

    status: int
    out: str
    err: str


@pytest.fixture(scope="session")
def make_clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a clip with moving content; the same arguments give the same file."""
    folder = tmp_path_factory.mktemp("clips")

    def make(
        size: str = "64x48", frames: int = 12, *, suffix: str = ".mkv", audio: bool = False, noise: int = 0
    ) -> Path:
        path = folder / f"clip-{size}-{frames}-{audio}-{noise}{suffix}"
        if path.exists():
            return path
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=128x96:rate=25"]
        if audio:
            command += ["-f", "lavfi", "-i", "sine=frequency=440", "-shortest", "-c:a", "aac"]
        # testsrc2 rounds odd sizes down; a 4:4:4 picture may be scaled to them.
        width, height = size.split("x")
        odd = int(width) % 2 or int(height) % 2
        filters = [f"format={'yuv444p' if odd else 'yuv420p'}", f"scale={width}:{height}:flags=neighbor"]
        if noise:
            filters.append(f"noise=alls={noise}:allf=t:all_seed=7")
        command += ["-vf", ",".join(filters)]
        if suffix != ".y4m":
            command += ["-c:v", "libx264", "-qp", "0", "-preset", "ultrafast"]
        command += ["-frames:v", str(frames), str(path)]
        subprocess.run(command, check=True)
        return path

    return make


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """First passes are kept away from the user's own cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    yield


@pytest.fixture
def invoke(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Runs a command's main and catches how it ends."""

    def run(main: Main, *words: str | Path) -> Ran:
        try:
            status = main([str(word) for word in words])
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return run
