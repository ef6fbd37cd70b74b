"""HDR10: mastering display and content light level, from streams and from frames into every container."""

import subprocess
from dataclasses import replace

import numpy as np
import pytest
from media.test_metadata import encoded, ffmpeg
from media.test_mux import ffprobe

from encoder_bridge.errors import EncodeFailed
from encoder_bridge.media.hdr import Hdr, hdr_of
from encoder_bridge.media.mp4_boxes import add_to_sample_entry
from encoder_bridge.media.probe import probe

HDR = Hdr(
    display=(13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450, 10_000_000, 1),
    light=(1000, 400),
)
X265 = (
    "log-level=error:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:hdr10=1:max-cll=1000,400:"
    "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
)


@pytest.fixture(scope="module")
def hdr10(tmp_path_factory):
    """Ten bits of PQ, whose metadata are in its frames only."""
    path = tmp_path_factory.mktemp("hdr") / "hdr10.mkv"
    colour = ("-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "smpte2084")
    lavfi = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=24000/1001", "-frames:v", "4")
    pixels = ("-pix_fmt", "yuv420p10le", "-c:v", "libx265", "-x265-params", X265)
    words = ["ffmpeg", "-nostdin", "-v", "error", *lavfi, *pixels, *colour, str(path)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("this ffmpeg has no libx265")
    return path


def metadata(path):
    return hdr_of(ffprobe(path, "-show_streams")["streams"][0].get("side_data_list", []))


@pytest.mark.parametrize("suffix", ["webm", "mkv", "mp4"])
def test_every_container_keeps_them(hdr10, tmp_path, suffix):
    assert probe(hdr10).hdr == HDR
    output = tmp_path / f"out.{suffix}"
    assert encoded(hdr10, output) == ()
    assert metadata(output) == HDR
    (video,) = ffprobe(output, "-show_streams")["streams"]
    assert (video["color_transfer"], video["r_frame_rate"]) == ("smpte2084", "24000/1001")
    again = tmp_path / f"again.{suffix}"  # now in the stream
    assert encoded(output, again) == ()
    assert metadata(again) == HDR


def test_times_of_a_variable_frame_rate_are_the_same_with_them(hdr10, tmp_path):
    source, plain = tmp_path / "source.mkv", tmp_path / "plain.mkv"
    words = ("-bsf:v", "setts=ts=N*N*40", "-c", "copy")
    ffmpeg("-i", hdr10, "-map", "0:v", *words, source)
    clip = probe(source)
    if not clip.times:
        pytest.skip("this ffmpeg's setts makes no variable frame rate of it")
    times = []
    for output, hdr in ((tmp_path / "out.mkv", clip.hdr), (plain, Hdr())):
        encoded(source, output, change=lambda clip, hdr=hdr: replace(clip, hdr=hdr))
        found = ffprobe(output, "-show_packets", "-show_format")
        times.append([*(one["pts"] for one in found["packets"]), found["format"]["duration"]])
    assert times[0] == times[1] == [*clip.times[:-1], f"{clip.times[-1] / 1000:.6f}"]
    assert metadata(plain) == Hdr()


def test_what_is_said_badly_or_dynamically_is_named():
    display = {"side_data_type": "Mastering display metadata", "red_x": "1/0"}
    light = {"side_data_type": "Content light level metadata", "max_content": 70_000, "max_average": 1}
    vision = {"side_data_type": "DOVI configuration record"}
    plus = {"side_data_type": "HDR Dynamic Metadata SMPTE2094-40 (HDR10+)"}
    said = hdr_of([display, light, vision, plus, {"side_data_type": "Display Matrix"}])
    words = ("mastering display", "content light level", "Dolby Vision metadata", "HDR10+ metadata")
    assert said == Hdr(lost=words)
    assert said.boxes == b""


@pytest.mark.parametrize("seed", range(20))
def test_no_damaged_mp4_hangs_or_is_taken(tmp_path, seed):
    random = np.random.default_rng(seed)
    movie = b"\0\0\0\x18moov\0\0\0\x10trak\0\0\0\x08mdia"
    data = bytearray(b"\0\0\0\x08free" + movie)
    for place in random.integers(0, len(data), 3):
        data[place] = random.integers(0, 256)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    with pytest.raises(EncodeFailed):
        add_to_sample_entry(path, b"\0\0\0\x08free")
