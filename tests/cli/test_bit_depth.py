"""10 and 12 bits: kept where the libvpx that encodes has them, in rc-encode and in the plugin alike."""

import json
import re
import subprocess

import numpy as np
import pytest
from media.test_mux import ffprobe
from support.plugin_samples import KBPS, by_ffmpeg, by_rc_encode, by_vpxenc, make_y4m, packets, run
from support.policy_samples import feature_version, network, widths

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass
from encoder_bridge.encode.run import encode, validate_episode
from encoder_bridge.errors import BadInput
from encoder_bridge.media.decode import read_frames
from encoder_bridge.media.probe import probe
from encoder_bridge.media.quality import measure
from encoder_bridge.media.vp9_headers import qindexes_of, with_color
from muzero_rc.cli import encode as rc_encode
from muzero_rc.config.schema import NetworkConfig
from muzero_rc.deploy.policy_export import export_policy

pytestmark = pytest.mark.skipif(
    not _native.versions()["high_bit_depth"], reason="this libvpx was built for 8 bits only"
)
FRAMES = 24
PIXELS = {8: "yuv420p", 10: "yuv420p10le", 12: "yuv420p12le"}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("depths")
    return {d: make_y4m(folder / f"{d}.y4m", "96x64", FRAMES, pixels) for d, pixels in PIXELS.items()}


def ffmpeg_psnr(encoded, source):
    """Mean luma PSNR by ffmpeg's filter, each frame at most 60 dB."""
    numbered = "settb=1/25,setpts=N"
    graph = f"[0:v]{numbered}[a];[1:v]{numbered}[b];[a][b]psnr=stats_file=-"
    command = ["ffmpeg", "-v", "error", "-i", encoded, "-i", source, "-lavfi", graph, "-f", "null", "-"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    frames = [min(60.0, float(value)) for value in re.findall(r"psnr_y:(\S+)", text)]
    assert len(frames) == FRAMES
    return float(np.mean(frames))


def encoded(invoke, source, output, *options):
    words = ("--bitrate", f"{KBPS}k", "--cpu-used", "5", "--refill", "never", "--json", "--quiet")
    ran = invoke(rc_encode.main, source, "-o", output, *words, *options)
    assert ran.status == 0, ran.err
    (video,) = ffprobe(output, "-show_streams")["streams"]
    return json.loads(ran.out), video


@pytest.mark.parametrize("depth", [10, 12])
def test_what_comes_in_comes_out(invoke, clips, tmp_path, depth):
    report, video = encoded(invoke, clips[depth], tmp_path / "out.webm")
    assert (video["profile"], video["pix_fmt"]) == ("Profile 2", PIXELS[depth])
    assert report["bit_depth"] == depth
    assert report["fill"] <= 1 and report["decisions"] >= FRAMES
    expected = ffmpeg_psnr(tmp_path / "out.webm", clips[depth])
    assert report["psnr_y_db"] == pytest.approx(expected, abs=0.01)
    measured = measure(probe(clips[depth], bit_depth=None), tmp_path / "out.webm", optional=())
    assert measured.psnr_y_db == pytest.approx(expected, abs=0.01)


def test_it_is_converted_on_demand(invoke, clips, tmp_path):
    report, video = encoded(invoke, clips[10], tmp_path / "8.mkv", "--bit-depth", "8")
    assert (video["profile"], video["pix_fmt"]) == ("Profile 0", "yuv420p")
    assert report["notes"] == ["10-bit video is converted to 8 bits"]
    _, video = encoded(invoke, clips[8], tmp_path / "10.mp4", "--bit-depth", "10")
    assert (video["profile"], video["pix_fmt"]) == ("Profile 2", "yuv420p10le")


def test_a_libvpx_of_8_bits_says_so(invoke, clips, tmp_path, monkeypatch):
    facts = {**_native.versions(), "high_bit_depth": 0}
    monkeypatch.setattr("encoder_bridge._native.versions", lambda: facts)
    words = (clips[10], "-o", tmp_path / "out.webm", "--bitrate", "80k", "--bit-depth", "10")
    ran = invoke(rc_encode.main, *words)
    assert ran.status == 2 and "--libvpx" in ran.err and len(ran.err.splitlines()) == 1
    report, video = encoded(invoke, clips[10], tmp_path / "out.webm")
    assert video["pix_fmt"] == "yuv420p"
    assert [("8 bits" in note) for note in report["notes"]] == [True, True]


@pytest.mark.parametrize("depth", [10, 12])
def test_headers_have_what_was_decided_and_a_replay_is_the_same(clips, depth):
    clip = probe(clips[depth], bit_depth=None)
    config = EncoderConfig(target_kbps=KBPS, cpu_used=5)
    config = config.for_video(clip.width, clip.height, clip.fps, clip.bit_depth)
    frames = read_frames(clip)
    assert frames.shape == (FRAMES, 2 * 96 * 64 * 3 // 2)
    first = first_pass(frames, config)
    result = encode(frames, first, config, keep_packets=True)
    assert qindexes_of(result.payloads) == result.qindexes
    assert validate_episode(frames, first, result) == []
    with pytest.raises(BadInput, match="no 96x64 video"):
        encode(frames, first, config.replace(bit_depth=8))


def test_every_program_makes_the_same_packets(clips, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tiny = NetworkConfig(width=8, latents=2, attention_heads=2, encoder_layers=1, step_blocks=1)
    policy = tmp_path / "random.safetensors"
    export_policy(policy, network(tiny)[1], tiny, widths(), feature_version(), {"made by": "a test"})
    ours = tmp_path / "ours.webm"
    done = by_rc_encode(clips[10], ours, str(policy), 6)
    assert done.status == 0, done.err
    done = by_ffmpeg(clips[10], tmp_path / "ffmpeg.ivf", str(policy), 6)
    assert packets(tmp_path / "ffmpeg.ivf") == packets(ours), done.err
    assert "96x64, 10 bits at 80 kbps" in done.err
    if run("vpxenc", "--help").status == 0:

        def ten(clip, out, policy, layers):
            return by_vpxenc(clip, out, policy, layers, "--profile=2", "--bit-depth=10")

        done = ten(clips[10], tmp_path / "vpxenc.ivf", str(policy), 6)
        assert packets(tmp_path / "vpxenc.ivf") == packets(ours), done.err


def test_a_key_frame_of_profile_2_is_told_its_colour_behind_its_depth():
    key = bytes([0x92, 0x49, 0x83, 0x42, 0b0_0000_101, 7])
    assert with_color(key, 0b0101) == bytes([0x92, 0x49, 0x83, 0x42, 0b0_0101_101, 7])
    twelve = bytes([0x92, 0x49, 0x83, 0x42, 0b1_1111_101, 7])
    assert with_color(twelve, 0b1010)[4] == 0b1_1010_101


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv422p10le", "yuv420p12le", "gray10le", "gbrp12le"])
def test_frames_are_the_samples_that_ffmpeg_decodes(tmp_path, pixels):
    source = tmp_path / "source.mkv"
    lavfi = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-frames:v", "2", "-c:v", "ffv1")
    # Of the frames as well: ffmpeg 7 takes grey for full range, whatever an option of the output says.
    color_range = "pc" if "420" in pixels else "tv"
    words = ("-vf", f"format={pixels},setparams=range={color_range}", "-color_range", color_range)
    subprocess.run(["ffmpeg", "-v", "error", *lavfi, *words, source], check=True)
    clip = probe(source, bit_depth=None)
    assert clip.bit_depth == (12 if "12" in pixels else 10)
    assert clip.color.full_range == ("420" in pixels)
    frames = read_frames(clip).reshape(2, -1)
    assert frames.shape[1] == clip.frame_bytes
    if "420" in pixels:  # nothing is to be converted, the range least of all
        words = ["ffmpeg", "-v", "error", "-i", source, "-f", "rawvideo", "-"]
        assert frames.tobytes() == subprocess.run(words, check=True, capture_output=True).stdout
    assert any("4:2:0" in note for note in clip.notes) == (pixels in ("yuv422p10le", "gbrp12le"))
