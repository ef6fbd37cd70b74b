"""rc-plugin and the preload library: what it takes over, what it leaves alone, and what it says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.plugin_samples import (
    EXAMPLE,
    RC_PLUGIN,
    by_example,
    compile_example,
    ffmpeg_pass,
    make_y4m,
    packets,
    run,
    with_policy,
)

from encoder_bridge.media.vp9_headers import qindexes_of
from muzero_rc.deploy.preload import PluginError, find_places, preload_environment

FRAMES = 8
WHOLE_PASS = "first pass, with probe encodes beside it"
TWO_LAYERS = (
    "ts_number_layers=2:ts_target_bitrate=40,80:ts_rate_decimator=2,1:ts_periodicity=2:ts_layer_id=0,1"
)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A short y4m beside its first pass."""
    path = make_y4m(tmp_path_factory.mktemp("plugin") / "clip.y4m", "64x48", FRAMES)
    assert run(*ffmpeg_pass(path, 1, "-")).status == 0
    return path


@pytest.fixture(scope="module")
def plain(clip, tmp_path_factory):
    """What ffmpeg makes of it alone."""
    path = tmp_path_factory.mktemp("plain") / "plain.ivf"
    run(*ffmpeg_pass(clip, 2, path))
    return packets(path)


def second_pass(clip, out, *options, policy="controller", env=None):
    return run(*with_policy(policy), *ffmpeg_pass(clip, 2, out, *options), env=env)


def ivf_packets(path):
    data, at, found = path.read_bytes(), 32, []
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "little")
        found.append(data[at + 12 : at + 12 + size])
        at += 12 + size
    return found


def test_it_says_that_it_decides_and_what_it_did(clip, plain, tmp_path):
    done = second_pass(clip, tmp_path / "a.ivf")
    first, last = done.lines
    assert "policy controller decides: 64x48 at 80 kbps" in first
    assert f"{FRAMES} frames decided" in last or f"{FRAMES + 1} frames decided" in last
    assert packets(tmp_path / "a.ivf") != plain


@pytest.mark.parametrize(
    ("reason", "options"),
    [
        ("constant or constrained quality", ("-crf", "30", "-b:v", "0")),
        ("constant or constrained quality", ("-crf", "30", "-b:v", "80k")),
        ("constant bitrate", ("-minrate", "80k", "-maxrate", "80k")),
        ("not 4:2:0", ("-pix_fmt", "yuv444p")),
        ("not 4:2:0", ("-pix_fmt", "yuv444p10le")),
        ("lossless", ("-lossless", "1")),
        ("lossless", ("-qmin", "0", "-qmax", "0")),
        ("layered", ("-ts-parameters", TWO_LAYERS)),
        ("realtime", ("-deadline", "realtime")),
    ],
)
def test_what_is_not_ours_is_left_alone_and_said(reason, options, clip, tmp_path):
    untouched, done = tmp_path / "alone.ivf", tmp_path / "with.ivf"
    ran = second_pass(clip, done, *options)
    run(*ffmpeg_pass(clip, 2, untouched, *options))
    assert ran.status == 0
    assert [reason in line for line in ran.lines] == [True], ran.err
    assert packets(done) == packets(untouched)


def test_first_passes_get_probe_encodes_one_pass_and_other_codecs_are_left_alone(clip, tmp_path):
    assert any(
        WHOLE_PASS in line for line in run(*with_policy("controller"), *ffmpeg_pass(clip, 1, "-")).lines
    )
    single = ["ffmpeg", "-nostdin", "-v", "error", "-i", clip, "-b:v", "80k"]
    done = run(*with_policy("controller"), *single, "-c:v", "libvpx-vp9", tmp_path / "one.webm")
    assert (done.status, "one-pass" in done.lines[0]) == (0, True)
    done = run(*with_policy("controller"), *single, "-c:v", "libvpx", tmp_path / "vp8.webm")
    assert (done.status, "not VP9" in done.lines[0]) == (0, True)


def test_the_users_quantizer_range_is_kept(clip, tmp_path):
    second_pass(clip, tmp_path / "range.ivf", "-qmin", "20", "-qmax", "21")
    plan = qindexes_of(ivf_packets(tmp_path / "range.ivf"))
    assert plan
    assert set(plan) <= set(range(80, 85))


def test_a_policy_that_cannot_be_loaded(clip, plain, tmp_path):
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"nothing of the kind")
    done = second_pass(clip, tmp_path / "a.ivf", policy=broken)
    assert done.status == 0
    assert ["libvpx's own rate control runs" in line for line in done.lines] == [True]
    assert packets(tmp_path / "a.ivf") == plain
    done = second_pass(clip, tmp_path / "b.ivf", policy=broken, env={"MUZERO_RC_STRICT": "1"})
    assert done.status != 0
    assert ["encode refused" in line for line in done.lines] == [True]


def test_libvpx_is_a_policy_too(clip, plain, tmp_path):
    done = second_pass(clip, tmp_path / "a.ivf", policy="libvpx")
    assert ["left alone" in line for line in done.lines] == [True]
    assert packets(tmp_path / "a.ivf") == plain


def test_many_encoders_in_one_program(clip, tmp_path):
    outputs = [tmp_path / f"{i}.ivf" for i in range(8)]
    one = ffmpeg_pass(clip, 2, outputs[0])
    at = one.index("-c:v")
    command = one[:at]
    for i, path in enumerate(outputs):
        os.link(f"{clip}-0.log", f"{clip}-many-{i}.log")
        log = str(clip) + "-many"
        words = [*one[at:-1], str(path)]
        words[words.index("-passlogfile") + 1] = log
        command += words
    done = run(*with_policy("controller"), *command)
    assert done.status == 0, done.err
    assert sum("frames decided" in line for line in done.lines) == len(outputs)
    assert len({tuple(packets(path)) for path in outputs}) == 1


def test_programs_without_libvpx_run_as_ever():
    done = run(*with_policy("controller"), sys.executable, "-S", "-c", "raise SystemExit(3)")
    assert done.status == 3
    assert ["opened no encoder" in line for line in done.lines] == [True]
    done = run(*with_policy("controller"), "sh", "-c", "ls / >/dev/null; exit 7")
    assert (done.status, done.lines) == (7, [])
    assert run(*with_policy("controller"), "env", "true").status == 0


def test_a_libvpx_that_a_plugin_of_the_program_loaded(clip, tmp_path):
    # As the example, but without our registration, as a library that Python loads for itself.
    text = EXAMPLE.read_text()
    line = next(line for line in text.splitlines() if "if (pass == VPX_RC_LAST_PASS)" in line)
    source = tmp_path / "plain.c"
    source.write_text(text.replace(line, ""))
    library = compile_example(tmp_path / "plain.so", "-shared", "-fPIC", "-Dmain=encode", source=source)
    words = ["", str(clip), str(tmp_path / "loaded.ivf"), "80", "controller", "4", "6"]
    code = (
        f"import ctypes; words = (ctypes.c_char_p * 7)(*map(str.encode, {words!r}));"
        f" raise SystemExit(ctypes.CDLL({str(library)!r}).encode(7, words))"
    )
    done = run(*with_policy("controller"), sys.executable, "-c", code)
    assert done.status == 0, done.err
    assert "frames decided" in done.lines[-1]
    program = compile_example(tmp_path / "encode_y4m")
    by_example(program)(clip, tmp_path / "own.ivf", "controller", 6)
    assert packets(tmp_path / "loaded.ivf") == packets(tmp_path / "own.ivf")


def test_a_program_with_its_own_rate_control_keeps_it(clip, tmp_path):
    program = compile_example(tmp_path / "encode_y4m")
    done = run(*with_policy("controller"), program, clip, tmp_path / "a.ivf", 80, "controller", 4, 6)
    assert done.status == 0
    assert any("its own external rate control" in line for line in done.lines)


def test_a_static_program_is_seen(tmp_path):
    source, program = tmp_path / "static.c", tmp_path / "static"
    source.write_text("int main(void) { return 5; }\n")
    if subprocess.run(["cc", "-static", str(source), "-o", str(program)], capture_output=True).returncode:
        pytest.skip("no static libc here")
    done = run(*with_policy("controller"), program)
    assert (done.status, ["statically linked" in line for line in done.lines]) == (5, [True])
    done = run(*with_policy("controller"), program, env={"MUZERO_RC_STRICT": "1"})
    assert (done.status, ["statically linked" in line for line in done.lines]) == (2, [True])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["exec"], "needs a program behind --"),
        (["exec", "--policy", "nobody", "--", "true"], "unknown policy 'nobody'"),
        (["exec", "--", "no-such-program-here"], "no such program"),
        (["info", "libvpx"], "libvpx's own rate control"),
        (["info", "nobody"], "unknown policy 'nobody'"),
        (["path", "nowhere"], "invalid choice"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(words, message):
    done = run(*RC_PLUGIN, *words)
    assert done.status == 2
    assert message in done.err
    assert len(done.err.splitlines()) == 1


def test_info_tells_what_a_policy_is():
    out = subprocess.run([*RC_PLUGIN, "info", "controller", "--json"], check=True, capture_output=True).stdout
    facts = json.loads(out)
    assert facts["kind"] == "controller"
    assert 0 < facts["decision_median_us"] <= facts["decision_p99_us"]


def test_path_names_files_that_are_there():
    for part, name in (
        ("preload", ""),
        ("library", ""),
        ("include", "muzero_rc/plugin.h"),
        ("pkgconfig", "muzero_rc.pc"),
    ):
        out = subprocess.run([*RC_PLUGIN, "path", part], check=True, capture_output=True, text=True).stdout
        assert (Path(out.strip()) / name).exists()


def test_the_libraries_need_no_libvpx():
    for path in (find_places().preload, find_places().library):
        listing = subprocess.run(
            ["readelf", "-d", str(path)], check=True, capture_output=True, text=True
        ).stdout
        needed = {line.split("[")[1].split(".so")[0] for line in listing.splitlines() if "(NEEDED)" in line}
        assert needed <= {"libc", "libm", "libdl", "libpthread"}


def test_other_preloads_stay(tmp_path):
    places = find_places()
    environment = preload_environment(places, "controller", {"LD_PRELOAD": "/lib/other.so", "A": "b"})
    assert environment["LD_PRELOAD"] == f"{places.preload}:/lib/other.so"
    assert environment["A"] == "b"
    spaced = type(places)(tmp_path / "a folder" / "x.so", places.library, places.include, places.pkgconfig)
    with pytest.raises(PluginError, match="space or colon"):
        preload_environment(spaced, "controller", {})
