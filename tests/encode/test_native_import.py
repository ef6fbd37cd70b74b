"""The extension checks the libvpx that it meets."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from encoder_bridge import _native

OTHER_LIBVPX = 'const char *vpx_codec_version_str(void) { return "v1.13.1"; }'


def test_versions_name_what_was_built_and_what_is_loaded() -> None:
    versions = _native.versions()
    assert str(versions["libvpx_build"]).startswith("1.")
    assert versions["libvpx_runtime"] == versions["libvpx_build"]
    assert versions["ext_rc_abi"] == 1


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
def test_another_libvpx_at_run_time_is_refused_with_both_versions(tmp_path: Path) -> None:
    source, library = tmp_path / "other.c", tmp_path / "other.so"
    source.write_text(OTHER_LIBVPX)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    result = subprocess.run(
        [sys.executable, "-c", "import encoder_bridge._native"],
        env=os.environ | {"LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    message = result.stderr.strip().splitlines()[-1]
    assert message.startswith(f"ImportError: built for libvpx {_native.versions()['libvpx_build']}")
    assert "libvpx 1.13.1 is loaded" in message


def test_every_setting_has_a_default() -> None:
    defaults = dict(_native.config_fields())
    assert defaults["auto_alt_ref"] == 6
    assert defaults["lag_in_frames"] == 25
    assert defaults["kf_max_dist"] == 128
