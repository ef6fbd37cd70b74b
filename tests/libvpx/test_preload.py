"""The preload library under a program with each release: the packets of the extension."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.libvpx_releases import Libvpx
from support.native_samples import finish, first_pass, moving_texture, packets_of, settings

from encoder_bridge import _native
from muzero_rc.deploy.policy_names import CONTROLLER, SHAPES, resolve
from muzero_rc.deploy.preload import find_places

SOURCE = Path(__file__).with_name("encode_raw.c")
WIDTH, HEIGHT, FRAMES, KBPS = 96, 80, 45, 90


def soname(library: str) -> str:
    """What programs that are linked to the library will ask the loader for."""
    listing = subprocess.run(["objdump", "-p", library], check=True, capture_output=True, text=True).stdout
    return next(line.split()[1] for line in listing.splitlines() if line.split()[:1] == ["SONAME"])


@pytest.fixture
def program(libvpx: Libvpx, tmp_path: Path) -> Any:
    """encode_raw, linked to the release: run(auto_alt_ref, **environment) gives status, packets, stderr."""
    if not shutil.which("cc") or not shutil.which("objdump"):
        pytest.skip("no C compiler")
    (tmp_path / soname(libvpx.path)).symlink_to(libvpx.path)
    command = ["cc", "-O1", "-w", "-DVPX_DISABLE_CTRL_TYPECHECKS=1", str(SOURCE), libvpx.path]
    subprocess.run([*command, "-o", str(tmp_path / "encode_raw")], check=True)
    raw, out = tmp_path / "in.raw", tmp_path / "out.packets"
    raw.write_bytes(moving_texture(WIDTH, HEIGHT, FRAMES).tobytes())
    abi = int(_native.versions()["encoder_abi"])

    def run(auto_alt_ref: int, **environment: str) -> tuple[int, list[bytes], str]:
        arguments = [tmp_path / "encode_raw", raw, out, abi, WIDTH, HEIGHT, KBPS, auto_alt_ref]
        done = subprocess.run(
            list(map(str, arguments)),
            env=os.environ | {"LD_LIBRARY_PATH": str(tmp_path)} | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, split(out.read_bytes()), done.stderr

    return run


def split(data: bytes) -> list[bytes]:
    packets, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "little")
        packets.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return packets


def by_the_extension(auto_alt_ref: int, name: str) -> list[bytes]:
    clip = moving_texture(WIDTH, HEIGHT, FRAMES)
    config = settings(WIDTH, HEIGHT, target_kbps=KBPS, auto_alt_ref=auto_alt_ref)
    pool = _native.Pool(1)
    blob = first_pass(pool, config, clip)
    native = resolve(name).native
    policy = _native.Policy(native) if native else None
    mode = "policy" if native else name
    pool.start(0, config, clip, stats=blob, mode=mode, policy=policy, keep_packets=True)
    finish(pool, 0)
    packets = packets_of(pool, 0)
    pool.close()
    return packets


@pytest.mark.parametrize(
    ("policy", "auto_alt_ref"), [(CONTROLLER, 0), (CONTROLLER, 1), (CONTROLLER, 6), (SHAPES, 6)]
)
def test_its_packets_are_those_of_the_extension(
    program: Any, libvpx: Libvpx, policy: str, auto_alt_ref: int
) -> None:
    preload, native = str(find_places().preload), str(resolve(policy).native)
    status, packets, said = program(auto_alt_ref, LD_PRELOAD=preload, MUZERO_RC_POLICY=native)
    assert status == 0, said
    assert f"policy {native} decides" in said and "0 fallbacks" in said
    assert packets == by_the_extension(auto_alt_ref, policy)


def test_left_alone_it_changes_nothing(program: Any, libvpx: Libvpx) -> None:
    preload = str(find_places().preload)
    status, packets, said = program(6, LD_PRELOAD=preload, MUZERO_RC_POLICY="libvpx")
    assert status == 0, said
    assert packets == program(6)[1] == by_the_extension(6, "libvpx")
