"""Our declarations of libvpx's interface against the headers of the releases that have them here."""

import shutil
import subprocess
from pathlib import Path

import pytest
from support.libvpx_releases import CACHE, VERSIONS

ROOT = Path(__file__).resolve().parents[2]


def include_of(version: str) -> list[str]:
    """The compiler's words for a release's headers: those that were fetched, or the system's."""
    fetched = CACHE / version / "include"
    if fetched.is_dir():
        return [f"-I{fetched}"]
    asked = ["pkg-config", "--modversion", "vpx"]
    if shutil.which(asked[0]):
        installed = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
        if installed == version:
            return []
    pytest.skip(f"no headers of libvpx {version} are here (Debian has those of 1.12.0, 1.15.0 and 1.17.0)")


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
@pytest.mark.parametrize("version", VERSIONS)
def test_declarations_agree_with_the_true_header(version: str) -> None:
    include = include_of(version)
    native = ROOT / "native"
    command = ["cc", "-fsyntax-only", "-Wall", "-Werror", f"-I{native}", f"-I{native / 'include'}", *include]
    for source in (ROOT / "tests" / "native" / "abi" / "true_header.c", native / "vpx" / "libvpx_calls.c"):
        done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_header_of_another_interface_does_not_compile(tmp_path: Path) -> None:
    """The test before can fail."""
    source = tmp_path / "other.c"
    source.write_text(
        "#include <vpx/vpx_encoder.h>\n"
        "#if VPX_EXT_RATECTRL_ABI_VERSION < 9\n#undef VPX_EXT_RATECTRL_ABI_VERSION\n"
        "#define VPX_EXT_RATECTRL_ABI_VERSION 12\n#else\n#undef VPX_EXT_RATECTRL_ABI_VERSION\n"
        "#define VPX_EXT_RATECTRL_ABI_VERSION 1\n#endif\n"
        f'#include "{ROOT / "tests" / "native" / "abi" / "true_header.c"}"\n'
    )
    command = ["cc", "-fsyntax-only", f"-I{ROOT / 'native'}", f"-I{ROOT / 'native' / 'include'}", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "has another size" in done.stderr
