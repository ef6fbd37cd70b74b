import json
import subprocess

import numpy as np
import pytest

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.run import clip_first_pass, encode
from encoder_bridge.errors import BadInput, EncodeFailed
from encoder_bridge.media.decode import open_clip, open_frames
from encoder_bridge.media.mux import check_output, ivf_file, whole_or_nothing, write_webm


def encode_file(source, output, *, max_frames=None, audio="copy"):
    """The whole way from a file to a WebM file; gives the encode's result."""
    with open_clip(source, max_frames=max_frames) as clip, ivf_file(clip) as (writer, ivf):
        config = EncoderConfig(target_kbps=90, cpu_used=5).for_video(clip.width, clip.height, clip.fps)
        first = clip_first_pass(clip, config)
        with open_frames(clip) as pipe:
            result = encode(pipe, first, config, on_packets=writer.write)
        writer.flush()
        write_webm(ivf, clip, output, frames=result.frames, audio=audio)
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


def test_the_shape_of_pixels_is_kept(footage, tmp_path):
    options = ("-vf", "setsar=12/11", "-c:v", "ffv1", "-pix_fmt", "yuv420p")
    encode_file(footage("wide.mkv", "size=176x144:rate=25", 3, *options), tmp_path / "out.webm")
    (video,) = ffprobe(tmp_path / "out.webm", "-show_streams")["streams"]
    width, height = map(int, video["display_aspect_ratio"].split(":"))
    assert width / height == pytest.approx(12 / 11 * 176 / 144, rel=0.01)


@pytest.mark.parametrize("name", ["-out.webm", 'sp ace\'s "q".webm', "ünï%d:→.webm"])
def test_awkward_output_names(footage, tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    encode_file(footage("tiny.mkv", "size=64x48:rate=25", 2), check_output(name))
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
    assert check_output(source, force=True) == source


def test_nothing_is_left_on_failure_or_interrupt(tmp_path):
    output = tmp_path / "out.webm"
    output.write_text("before")
    for error in (EncodeFailed("x"), KeyboardInterrupt()):
        with pytest.raises(type(error)), whole_or_nothing(output) as temporary:
            temporary.write_text("half")
            raise error
    assert sorted(tmp_path.iterdir()) == [output]
    assert output.read_text() == "before"
    with whole_or_nothing(output) as temporary:
        assert temporary.parent == tmp_path
        temporary.write_text("whole")
    assert sorted(tmp_path.iterdir()) == [output]
    assert (output.read_text(), output.stat().st_mode & 0o700) == ("whole", 0o600)


def test_a_muxer_that_fails_leaves_nothing(h264, tmp_path):
    garbage = tmp_path / "garbage.ivf"
    garbage.write_bytes(b"no ivf" * 9)
    with open_clip(h264) as clip, pytest.raises(EncodeFailed, match="could not be written"):
        write_webm(garbage, clip, tmp_path / "out.webm", frames=15)
    assert sorted(tmp_path.iterdir()) == [garbage]


def test_packets_survive_the_container(h264, tmp_path):
    with open_clip(h264) as clip, ivf_file(clip) as (writer, ivf):
        packets = [(i, int(i == 0), bytes(np.arange(i + 5, dtype=np.uint8))) for i in range(4)]
        writer.write(packets)
        writer.flush()
        assert writer.packets == 4
        data = ivf.read_bytes()
    assert data[:12] == b"DKIF\0\0\x20\0VP90" and len(data) == 32 + sum(12 + len(p) for _, _, p in packets)
