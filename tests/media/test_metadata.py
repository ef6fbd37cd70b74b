"""What a file has beside its frames: colour, title, chapters, subtitles, attachments; kept or named."""

import subprocess
from contextlib import ExitStack

import pytest
from media.test_mux import ffprobe

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.encode.run import encode
from encoder_bridge.media.decode import open_clip, open_frames, read_frames
from encoder_bridge.media.ivf import ivf_file
from encoder_bridge.media.mux import write_output
from encoder_bridge.media.output import check_output
from encoder_bridge.media.probe import probe
from encoder_bridge.media.vp9_headers import with_color

LAVFI = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=2")


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, words)], check=True)


def encoded(source, output, change=lambda clip: clip):
    """Encodes; gives what was not kept."""
    with ExitStack() as stack:
        clip = change(stack.enter_context(open_clip(source)))
        writer = stack.enter_context(ivf_file(clip))
        config = EncoderConfig(target_kbps=90, cpu_used=5).for_video(clip.width, clip.height, clip.fps)
        first = clip_first_pass(clip, config)
        with open_frames(clip) as pipe:
            result = encode(pipe, first, config, on_packets=writer.write)
        writer.flush()
        return write_output(writer, clip, check_output(output), frames=result.frames)[1]


COLOR = ("color_space", "color_primaries", "color_transfer", "color_range")


@pytest.mark.parametrize("suffix", ["webm", "mkv", "mp4"])
@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
def test_colour_is_in_the_bitstream_and_in_the_container(tmp_path, suffix, full):
    source, output = tmp_path / "source.mp4", tmp_path / f"out.{suffix}"
    # As properties of the frames: ffmpeg 7 does not take all of them as options of the output.
    tags = ("-vf", "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709")
    pixels = "yuvj420p" if full else "yuv420p"
    ffmpeg(*LAVFI, "-frames:v", "4", "-c:v", "libx264", "-pix_fmt", pixels, *tags, source)
    assert encoded(source, output) == ()
    (video,) = ffprobe(output, "-show_streams")["streams"]
    assert [video.get(key) for key in COLOR] == ["bt709"] * 3 + ["pc" if full else "tv"]
    bare = tmp_path / "bare.ivf"  # which says nothing itself
    ffmpeg("-i", output, "-c", "copy", bare)
    (video,) = ffprobe(bare, "-show_streams")["streams"]
    assert (video["color_space"], video["color_range"]) == ("bt709", "pc" if full else "tv")
    assert ("full-range" in " ".join(probe(source).notes)) is False


def test_full_range_samples_are_not_squeezed(tmp_path):
    source = tmp_path / "full.mkv"
    ffmpeg(*LAVFI, "-frames:v", "2", "-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p", source)
    words = ["ffmpeg", "-v", "error", "-i", source, "-f", "rawvideo", "-pix_fmt", "yuvj420p", "-"]
    raw = subprocess.run(words, capture_output=True, check=True).stdout
    assert read_frames(source).tobytes() == raw


def test_only_the_header_of_a_key_frame_is_told_its_colour():
    key = bytes([0x82, 0x49, 0x83, 0x42, 0x0F, 7])
    assert with_color(key, 0b0101) == bytes([0x82, 0x49, 0x83, 0x42, 0x5F, 7])
    for other in (b"", b"\x82", bytes([0x86, 0x49, 0x83, 0x42, 0, 7]), bytes(9)):
        assert with_color(other, 0b0101) == other


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Two languages of sound, text subtitles, chapters, a title, a font."""
    folder = tmp_path_factory.mktemp("film")
    (folder / "font.ttf").write_bytes(b"no font, but bytes")
    (folder / "words.srt").write_text("1\n00:00:00,100 --> 00:00:00,900\nHello\n")
    (folder / "meta.txt").write_text(
        ";FFMETADATA1\ntitle=A film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=Two\n"
    )
    path = folder / "film.mkv"
    ffmpeg(
        *(*LAVFI, "-f", "lavfi", "-i", "sine=duration=2", "-i", folder / "words.srt"),
        *("-i", folder / "meta.txt", "-map", "0:v", "-map", "1:a", "-map", "1:a", "-map", "2:s"),
        *("-map_metadata", "3", "-map_chapters", "3", "-c:v", "ffv1", "-pix_fmt", "yuv420p"),
        *("-c:a", "aac", "-c:s", "srt", "-attach", folder / "font.ttf"),
        *("-metadata:s:t", "mimetype=application/x-truetype-font"),
        *("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=fra"),
        *("-metadata:s:a:1", "title=Commentaire", "-metadata:s:s:0", "language=deu", path),
    )
    return path


@pytest.mark.parametrize(
    ("suffix", "codecs"),
    [
        ("webm", ["vp9", "opus", "opus", "webvtt"]),
        ("mkv", ["vp9", "aac", "aac", "subrip", "ttf"]),
        ("mp4", ["vp9", "aac", "aac", "mov_text"]),
    ],
)
def test_tracks_title_and_chapters(film, tmp_path, suffix, codecs):
    output = tmp_path / f"out.{suffix}"
    lost = encoded(film, output)
    assert lost == (() if suffix == "mkv" else ("not kept: attachment track 4 (ttf)",))
    found = ffprobe(output, "-show_streams", "-show_format", "-show_chapters")
    streams = [s for s in found["streams"] if s.get("codec_name") != "bin_data"]  # an MP4's chapters
    assert [s.get("codec_name") for s in streams] == codecs
    assert [s["tags"].get("language") for s in streams[1:4]] == ["eng", "fra", "deu"]
    if suffix != "mp4":
        assert streams[2]["tags"]["title"] == "Commentaire"
    tags = {key.lower(): value for key, value in found["format"]["tags"].items()}
    assert tags["title"] == "A film"
    assert [c["tags"]["title"] for c in found["chapters"]] == ["One", "Two"]
    # AAC begins early, and ffmpeg up to 5 moved the source's video by so much.
    source = ffprobe(film, "-show_streams", "-show_chapters")
    video_s = float(source["streams"][0]["start_time"])
    second_s = float(source["chapters"][1]["start_time"]) - video_s
    assert float(found["chapters"][1]["start_time"]) == pytest.approx(second_s, abs=0.002)


def test_what_cannot_be_kept_is_named(tmp_path):
    source = tmp_path / "alpha.mkv"
    ffmpeg(*LAVFI, "-frames:v", "2", "-c:v", "ffv1", "-pix_fmt", "yuva420p", source)
    assert "transparency is dropped" in probe(source).notes
