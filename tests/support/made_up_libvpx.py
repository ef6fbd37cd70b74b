"""Made-up libraries with libvpx's names: what a library says of itself, and lacks, without an encoder."""

import subprocess
from pathlib import Path

CALLS = (
    *("vpx_codec_enc_config_default", "vpx_codec_enc_config_set", "vpx_codec_control_", "vpx_codec_encode"),
    *("vpx_codec_get_cx_data", "vpx_codec_destroy", "vpx_codec_error", "vpx_codec_error_detail"),
    "vpx_codec_get_caps",
)


def make_libvpx(
    folder: Path,
    version: str,
    abi: int,
    *,
    calls: tuple[str, ...] = CALLS,
    lowest: int = 5,
    vp9: bool = True,
) -> Path:
    """Compiles one with a version string, the highest and the lowest encoder ABI that it takes, and names."""
    lines = [f'const char *vpx_codec_version_str(void) {{ return "{version}"; }}']
    lines += ["int vpx_codec_enc_init_ver(void *c, void *i, void *g, long f, int abi) {"]
    lines += [f"  return abi < {lowest} || abi > {abi} ? 3 : 8; }}"]
    lines += [f"void {name}(void) {{}}" for name in (*calls, *["vpx_codec_vp9_cx"] * vp9)]
    source, library = folder / "made_up.c", folder / f"libvpx-{version}-{abi}.so"
    source.write_text("\n".join(lines) + "\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-w", "-o", library, source], check=True)
    return library
