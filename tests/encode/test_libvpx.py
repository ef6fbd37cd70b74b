"""Which libvpx encodes, and what is said of one that cannot."""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.made_up_libvpx import CALLS, make_libvpx

from encoder_bridge import _native

RELEASES = {  # release: highest encoder ABI, external rate control ABI
    **dict.fromkeys(("1.11.0", "1.12.0"), (25, 1)),
    **dict.fromkeys(("1.13.0", "1.13.1"), (30, 6)),
    **dict.fromkeys(("1.14.0", "1.14.1"), (34, 7)),
    **dict.fromkeys(("1.15.1", "1.15.2"), (37, 10)),
    **dict.fromkeys(("1.16.0", "1.17.0"), (39, 12)),
    "1.10.0": (24, 1),
    "1.15.0": (36, 9),
}


@pytest.fixture
def made_up(tmp_path: Path):
    """Compiles a library with a version string, an encoder ABI and libvpx's names, or some of them."""
    if not shutil.which("cc"):
        pytest.skip("no C compiler")

    return functools.partial(make_libvpx, tmp_path)


def asked(named: str | Path | None, *, path: str = "") -> tuple[int, str]:
    """What another process says of its libvpx."""
    env = {name: value for name, value in os.environ.items() if name != "MUZERO_RC_LIBVPX"}
    if named is not None:
        env["MUZERO_RC_LIBVPX"] = str(named)
    if path:
        env["LD_LIBRARY_PATH"] = path
    code = "from encoder_bridge import _native\nv = _native.versions()\n"
    code += "print(*[v[k] for k in ('libvpx_runtime', 'encoder_abi', 'ext_rc_abi', 'libvpx_path')])"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    return done.returncode, (done.stdout or done.stderr.strip().splitlines()[-1]).strip()


def test_versions_name_the_one_that_encodes() -> None:
    versions = _native.versions()
    encoder_abi, ext_rc_abi = RELEASES[str(versions["libvpx_runtime"])]
    assert (versions["encoder_abi"], versions["ext_rc_abi"]) == (encoder_abi, ext_rc_abi)
    assert Path(str(versions["libvpx_path"])).exists()


@pytest.mark.parametrize("version", RELEASES)
def test_every_release_is_recognised(made_up, version: str) -> None:
    encoder_abi, ext_rc_abi = RELEASES[version]
    library = made_up(f"v{version}", encoder_abi)
    assert asked(library) == (0, f"{version} {encoder_abi} {ext_rc_abi} {library}")


def test_the_highest_abi_counts_not_the_ones_that_are_taken_as_well(made_up) -> None:
    library = made_up("v1.14.0", 34, lowest=34)
    assert asked(library) == (0, f"1.14.0 34 7 {library}")


@pytest.mark.parametrize(("version", "abi"), [("v1.18.0", 41), ("v1.9.0", 23), ("v1.14.0-123-gabcdef", 34)])
def test_an_unknown_one_is_refused_with_both_numbers(made_up, version: str, abi: int) -> None:
    library = made_up(version, abi)
    status, said = asked(library)
    assert status == 1
    assert f"libvpx {version[1:]} with encoder ABI {abi}" in said
    assert "knows 1.10.0 (24) to 1.17.0 (39)" in said


@pytest.mark.parametrize(("version", "abi", "true"), [("v1.12.0", 30, 25), ("v1.13.0", 32, 30)])
def test_a_snapshot_that_says_it_is_a_release_is_refused(made_up, version: str, abi: int, true: int) -> None:
    status, said = asked(made_up(version, abi))
    assert status == 1
    assert f"says {version[1:]} but has encoder ABI {abi}, where that release has {true}" in said


def test_one_without_vp9_is_refused(made_up) -> None:
    status, said = asked(made_up("v1.12.0", 25, vp9=False))
    assert status == 1 and said.endswith("is a libvpx without VP9's encoder")


def test_missing_functions_are_named(made_up) -> None:
    status, said = asked(made_up("v1.12.0", 25, calls=CALLS[:3]))
    assert status == 1 and said.endswith("is no libvpx with an encoder: it has no vpx_codec_encode")


@pytest.mark.parametrize("bytes_", [b"", b"no library\n" * 99], ids=["empty", "text"])
def test_a_file_that_is_no_library_is_refused_in_a_line(tmp_path: Path, bytes_: bytes) -> None:
    file = tmp_path / "libvpx.so"
    file.write_bytes(bytes_)
    status, said = asked(file)
    assert status == 1
    assert said.startswith(f"encoder_bridge.errors.ToolMissing: {file}: ")


def test_a_named_one_that_is_not_there_is_not_replaced(tmp_path: Path) -> None:
    status, said = asked(tmp_path / "none.so")
    assert status == 1 and "No such file or directory" in said


def test_the_newest_that_is_known_is_taken(made_up, tmp_path: Path) -> None:
    unknown, known = tmp_path / "libvpx.so.12", tmp_path / "libvpx.so.11"
    shutil.move(made_up("v1.18.0", 41), unknown)
    shutil.move(made_up("v1.15.2", 37), known)
    assert asked(None, path=str(tmp_path)) == (0, f"1.15.2 37 10 {known}")


def test_rc_encode_says_in_a_line_what_is_wrong(made_up) -> None:
    library = made_up("v1.18.0", 41)
    command = [sys.executable, "-m", "muzero_rc.cli.encode", "in.y4m", "-o", "out.webm", "--bitrate", "100k"]
    done = subprocess.run([*command, "--libvpx", str(library)], capture_output=True, text=True)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and "muzero-rc does not know" in done.stderr


def test_every_setting_has_a_default() -> None:
    defaults = dict(_native.config_fields())
    assert defaults["auto_alt_ref"] == 6
    assert defaults["lag_in_frames"] == 25
    assert defaults["kf_max_dist"] == 128
