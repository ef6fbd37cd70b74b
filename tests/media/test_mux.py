import json
import os
import socket
import stat
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

from encoder_bridge.atomic_file import whole_file
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.encode.run import encode
from encoder_bridge.errors import BadInput, EncodeFailed
from encoder_bridge.media.container_check import check_container
from encoder_bridge.media.containers import WEBM
from encoder_bridge.media.decode import open_clip, open_frames
from encoder_bridge.media.ivf import ivf_file
from encoder_bridge.media.mux import write_output
from encoder_bridge.media.output import check_output


def encode_file(source, output, *, max_frames=None, audio="copy"):
    """The whole way from a file to a WebM file; gives the encode's result."""
    with open_clip(source, max_frames=max_frames) as clip, ivf_file(clip) as writer:
        config = EncoderConfig(target_kbps=90, cpu_used=5).for_video(clip.width, clip.height, clip.fps)
        first = clip_first_pass(clip, config)
        with open_frames(clip) as pipe:
            result = encode(pipe, first, config, keep_packets=True)
        writer.write(result.packets)
        writer.flush()
        write_output(writer, clip, check_output(output, force=True), frames=result.frames, audio=audio)
    return result


def ffprobe(path, *entries):
    command = ["ffprobe", "-v", "error", "-of", "json", *entries, f"file:{path}"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def streams(path):
    return [s["codec_name"] for s in ffprobe(path, "-show_streams")["streams"]]


def video_times(path):
    packets = ffprobe(path, "-select_streams", "v", "-show_packets")["packets"]
    return [float(p["pts_time"]) for p in packets]


def test_a_webm_with_true_timestamps_and_opus_for_what_webm_cannot_hold(h264, tmp_path):
    output = tmp_path / "out.webm"
    result = encode_file(h264, output)
    assert streams(output) == ["vp9", "opus"]
    assert video_times(output) == pytest.approx([i / 25 for i in range(15)], abs=0.0011)
    sizes = [int(p["size"]) for p in ffprobe(output, "-select_streams", "v", "-show_packets")["packets"]]
    assert sizes == list(result.shown["bytes"])
    assert ffprobe(output, "-show_format")["format"]["format_name"] == "matroska,webm"


def test_ntsc_timestamps_do_not_drift(footage, tmp_path):
    encode_file(footage("ntsc-40.mkv", "size=64x48:rate=30000/1001", 40), tmp_path / "out.webm")
    times = video_times(tmp_path / "out.webm")
    assert times == pytest.approx([i * 1001 / 30000 for i in range(40)], abs=0.0011)


def test_audio_that_webm_can_hold_is_copied_bit_by_bit(footage, tmp_path):
    options = ("-c:v", "ffv1", "-pix_fmt", "yuv420p", "-c:a", "libopus")
    source = footage("opus.mkv", "size=64x48:rate=25", 12, *options, audio=True)
    encode_file(source, tmp_path / "out.webm")

    def audio(path):
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-i",
            str(path),
            "-map",
            "a",
            "-c",
            "copy",
            "-f",
            "framehash",
            "-",
        ]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        return [line.split(",")[-1] for line in lines if not line.startswith("#")]

    assert audio(tmp_path / "out.webm") == audio(source) != []


def test_audio_can_be_left_out_or_end_with_a_shortened_video(h264, tmp_path):
    encode_file(h264, tmp_path / "silent.webm", audio="none")
    assert streams(tmp_path / "silent.webm") == ["vp9"]
    encode_file(h264, tmp_path / "short.webm", max_frames=5)
    assert streams(tmp_path / "short.webm") == ["vp9", "opus"]
    assert float(ffprobe(tmp_path / "short.webm", "-show_format")["format"]["duration"]) < 0.3
    with pytest.raises(BadInput, match="audio"):
        encode_file(h264, tmp_path / "loud.webm", audio="loud")


def starts(path):
    return [float(s["start_time"]) for s in ffprobe(path, "-show_streams")["streams"]]


@pytest.mark.parametrize("late", ["video", "audio"])
def test_what_starts_late_stays_late(h264, tmp_path, late):
    source = tmp_path / "late.mkv"
    maps = ["-map", "1:v", "-map", "0:a"] if late == "video" else ["-map", "0:v", "-map", "1:a"]
    parts = ["-i", str(h264), "-itsoffset", "0.431", "-i", str(h264), *maps, "-c", "copy"]
    subprocess.run(["ffmpeg", "-v", "error", *parts, str(source)], check=True)
    encode_file(source, tmp_path / "out.webm")
    (video, audio), (video_out, audio_out) = starts(source), starts(tmp_path / "out.webm")
    opus_delay_s = 0.0065
    assert video_out - (audio_out + opus_delay_s) == pytest.approx(video - audio, abs=0.003)
    assert video_out == pytest.approx(video, abs=0.002)


BURST_S = 0.3


def burst_s(path):
    """Middle of the one burst in the sound, after the first frame of the video."""

    def first_s(stream):
        found = ffprobe(path, "-select_streams", stream, "-show_frames", "-read_intervals", "%+#3")
        return float(found["frames"][0]["pts_time"])

    words = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a", "-ac", "1", "-ar", "48000"]
    raw = subprocess.run([*words, "-f", "s16le", "-"], check=True, capture_output=True).stdout
    power = np.square(np.frombuffer(raw, np.int16).astype(float))
    return first_s("a") - first_s("v") + np.average(np.arange(len(power)), weights=power) / 48000


@pytest.mark.parametrize("suffix", ["webm", "mkv"])
@pytest.mark.parametrize("source", ["aac.mkv", "opus.mkv", "aac.mp4"])
def test_sound_is_heard_when_it_was(tmp_path, source, suffix):
    """Files may begin before 0, by what their sound is early: Opus in Matroska, from ffmpeg 7 on AAC too.

    The Opus file of an ffmpeg before 6.0 has its video 7 ms late.
    """
    clip, out = tmp_path / source, tmp_path / f"out.{suffix}"
    burst = f"aevalsrc=exp(-((t-{BURST_S})*200)^2)*sin(6283*t):d=0.6"
    inputs = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.6", "-f", "lavfi", "-i", burst)
    codecs = ("-c:v", "mpeg4", "-c:a", "libopus" if "opus" in source else "aac")
    subprocess.run(["ffmpeg", "-v", "error", *inputs, *codecs, str(clip)], check=True)
    encode_file(clip, out)
    assert burst_s(out) == pytest.approx(BURST_S, abs=0.004)


def test_the_shape_of_pixels_is_kept(footage, tmp_path):
    options = ("-vf", "setsar=12/11", "-c:v", "ffv1", "-pix_fmt", "yuv420p")
    encode_file(footage("wide.mkv", "size=176x144:rate=25", 3, *options), tmp_path / "out.webm")
    (video,) = ffprobe(tmp_path / "out.webm", "-show_streams")["streams"]
    width, height = map(int, video["display_aspect_ratio"].split(":"))
    assert width / height == pytest.approx(12 / 11 * 176 / 144, rel=0.01)


@pytest.mark.parametrize("name", ["-out.webm", 'sp ace\'s "q".webm', "ünï%d:→.webm"])
def test_awkward_output_names(footage, tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    encode_file(footage("tiny.mkv", "size=64x48:rate=25", 2), name)
    assert {path.name for path in tmp_path.iterdir()} == {name, "cache"}


def test_the_same_input_gives_the_same_file(footage, tmp_path):
    source = footage("tiny.mkv", "size=64x48:rate=25", 2)
    for name in ("a.webm", "b.webm"):
        encode_file(source, tmp_path / name)
    assert (tmp_path / "a.webm").read_bytes() == (tmp_path / "b.webm").read_bytes()


def test_outputs_that_cannot_be_are_refused(tmp_path):
    source = tmp_path / "in.mkv"
    source.touch()
    with pytest.raises(BadInput, match="is no folder"):
        check_output(tmp_path / "no" / "out.webm")
    with pytest.raises(BadInput, match="is a folder"):
        check_output(tmp_path)
    with pytest.raises(BadInput, match="is the input"):
        check_output(source, source=source, force=True)
    with pytest.raises(BadInput, match="exists: use --force"):
        check_output(source)
    assert check_output(source, force=True).path == source


def make_node(path, kind):
    """A file system entry that no output may replace."""
    if kind == "device":
        try:
            os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        except PermissionError:
            pytest.skip("only root may make device nodes")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    else:
        path.symlink_to("nowhere")


def what_it_is(path):
    """Everything that writing would change; reading a link may change its access time."""
    status = path.lstat()
    return (
        status.st_mode,
        status.st_ino,
        status.st_dev,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


@pytest.mark.parametrize("kind", ["device", "pipe", "socket", "link to nothing"])
@pytest.mark.parametrize("linked", [False, True])
def test_what_is_no_regular_file_is_refused_and_stays(tmp_path, kind, linked, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's name is short
    node = Path("node")
    make_node(node, kind)
    before = what_it_is(node)
    output = node
    if linked:
        output = Path("link")
        output.symlink_to("node")
    with pytest.raises(BadInput, match=f"is a {kind}: name a file"):
        check_output(output, force=True)
    with pytest.raises(BadInput, match=f"is a {kind}: name a file"), whole_file(output):
        raise AssertionError("nothing may be written")
    assert what_it_is(node) == before
    assert {path.name for path in Path().iterdir()} == {node.name, output.name}


def test_a_muxer_that_fails_leaves_nothing(h264, tmp_path):
    with open_clip(h264) as clip, ivf_file(clip) as writer:
        writer.path.write_bytes(b"no ivf" * 9)
        with pytest.raises(EncodeFailed, match="could not be written"):
            write_output(writer, clip, check_output(tmp_path / "out.webm"), frames=15)
    assert list(tmp_path.iterdir()) == []


def test_packets_survive_the_container(h264, tmp_path):
    with open_clip(h264) as clip, ivf_file(clip) as writer:
        packets = [(i, int(i == 0), bytes(np.arange(i + 5, dtype=np.uint8))) for i in range(4)]
        writer.write(packets)
        writer.flush()
        assert list(writer.checksums) == [zlib.crc32(data) for _, _, data in packets]
        data = writer.path.read_bytes()
    assert data[:12] == b"DKIF\0\0\x20\0VP90" and len(data) == 32 + sum(12 + len(p) for _, _, p in packets)


@pytest.fixture(scope="module")
def muxed(h264, tmp_path_factory):
    """A WebM file with audio, and the checksums of its video packets."""
    output = tmp_path_factory.mktemp("muxed") / "out.webm"
    packets = encode_file(h264, output).packets
    return output, [zlib.crc32(data) for _, _, data in packets]


def test_a_whole_file_is_taken(muxed):
    check_container(*muxed, container=WEBM, others=["audio"])


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_short_is_not(muxed, tmp_path, share):
    path, checksums = muxed
    cut = tmp_path / "cut.webm"
    cut.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(EncodeFailed, match="cut short"):
        check_container(cut, checksums, container=WEBM, others=["audio"])


def test_a_file_without_its_trailer_is_not(muxed, tmp_path):
    """What ffmpeg leaves when it cannot go back to the start: a segment whose length is open."""
    path, checksums = muxed
    data = bytearray(path.read_bytes())
    at = data.index(b"\x18\x53\x80\x67") + 4
    data[at : at + 8] = b"\x01" + 7 * b"\xff"
    open_ended = tmp_path / "open.webm"
    open_ended.write_bytes(data)
    with pytest.raises(EncodeFailed, match="cut short"):
        check_container(open_ended, checksums, container=WEBM, others=["audio"])


def test_other_packets_or_streams_are_not(muxed):
    path, checksums = muxed
    for others in (checksums[:-1], [*checksums, 1], [1, *checksums[1:]]):
        with pytest.raises(EncodeFailed, match="encoded packets"):
            check_container(path, others, container=WEBM, others=["audio"])
    with pytest.raises(EncodeFailed, match="streams are video audio"):
        check_container(path, checksums, container=WEBM)
