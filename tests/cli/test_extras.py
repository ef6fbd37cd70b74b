"""What the commands say when an extra is missing."""

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muzero_rc.cli import report as rc_report
from muzero_rc.cli import train as rc_train
from muzero_rc.utils.extras import MODULES, MissingExtra, require_extra

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
PACKAGE_OF = {
    "PIL": "pillow",
    "h5py": "hdf5",
    "haiku": "dm-haiku",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "reverb": "dm-reverb",
}


@pytest.mark.parametrize("module", MODULES["report"])
def test_rc_report_says_what_to_install(
    invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    words = (tmp_path / "clip.mkv", "-o", tmp_path / "out", "--bitrates", "10k,20k,30k,40k")
    for more in ((), ("--metrics", "psnr,vmaf")):
        ran = invoke(rc_report.main, *words, *more)
        assert ran.status == 2
        assert ran.err.count("\n") == 1
        assert module in ran.err and "pip install 'muzero-rc[report]'" in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("module", MODULES["train"])
def test_rc_train_says_what_to_install(
    invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    ran = invoke(rc_train.main, "run", tmp_path, "--run-dir", tmp_path / "run")
    assert ran.status == 2
    assert ran.err.count("\n") == 1
    assert module in ran.err and "pip install 'muzero-rc[train]'" in ran.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "words", [("learner", "--run-dir", "run"), ("actor", "--replay", "a:1", "--folder", "f")]
)
def test_what_crosses_machines_says_that_it_needs_reverb(
    invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setitem(sys.modules, "reverb", None)
    ran = invoke(rc_train.main, words[0], "clips", *words[1:])
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "reverb not installed: pip install 'muzero-rc[reverb]'" in ran.err


def test_help_needs_no_extra(invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for module in {*MODULES["report"], *MODULES["train"]}:
        monkeypatch.setitem(sys.modules, module, None)
    for main in (rc_report.main, rc_train.main):
        assert invoke(main, "--help").status == 0


@pytest.mark.parametrize("extra", MODULES)
def test_the_extras_bring_what_they_are_said_to(extra: str) -> None:
    extras = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    brought = " ".join([*extras[extra], *extras["report"]])
    assert all(PACKAGE_OF.get(module, module) in brought for module in MODULES[extra])


def test_all_extras_are_installed_here() -> None:
    left_out = {"cluster"}  # Ray is large, and its tests are left out without it
    if sys.version_info[:2] > (3, 11):
        left_out.add("reverb")  # has no wheels
    for extra in MODULES.keys() - left_out:
        require_extra(extra)


def test_every_missing_module_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in MODULES["report"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=r"^bjontegaard, imageio_ffmpeg, jinja2 not installed"):
        require_extra("report")
