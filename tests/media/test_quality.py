from dataclasses import replace

import numpy as np
import pytest

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.encode.run import encode
from encoder_bridge.errors import BadInput
from encoder_bridge.media import quality
from encoder_bridge.media.decode import open_clip, open_frames, read_frames
from encoder_bridge.media.ivf import ivf_file
from encoder_bridge.media.mux import write_output
from encoder_bridge.media.output import check_output
from encoder_bridge.media.quality import measure


@pytest.fixture(scope="module")
def encoded(footage, tmp_path_factory):
    """A clip at an awkward frame rate, its encode in WebM, and the encoder's own result."""
    folder = tmp_path_factory.mktemp("quality")
    source = footage("measured.mkv", "size=176x144:rate=30000/1001", 10)
    with open_clip(source) as clip, ivf_file(clip) as writer:
        config = EncoderConfig(target_kbps=60, cpu_used=5).for_video(clip.width, clip.height, clip.fps)
        first = clip_first_pass(clip, config, folder=folder)
        with open_frames(clip) as pipe:
            result = encode(pipe, first, config, on_packets=writer.write)
        writer.flush()
        write_output(writer, clip, check_output(folder / "out.webm", force=True), frames=result.frames)
    return clip, folder / "out.webm", result


def test_the_decoded_file_has_the_psnr_that_the_encoder_reports(encoded):
    clip, path, result = encoded
    measured = measure(clip, path, vmaf=False)
    assert measured.frames == 10
    assert measured.psnr_y_db == pytest.approx(result.psnr_y_db, abs=1e-9)
    errors = result.shown["sse_y"].sum() / (10 * 176 * 144)
    assert measured.psnr_y_sum_db == pytest.approx(10 * np.log10(255**2 / errors))
    assert measured.psnr_y_frames_db.shape == (10,) and measured.vmaf is None


def test_scikit_video_agrees(encoded, monkeypatch):
    monkeypatch.setattr(np, "int", int, raising=False)
    monkeypatch.setattr(np, "float", float, raising=False)
    measure_ = pytest.importorskip("skvideo.measure")
    clip, path, _ = encoded
    measured = measure(clip, path, vmaf=False)
    decoded = replace(clip, path=path, stream=0)
    luma = [read_frames(c)[:, : 176 * 144].reshape(-1, 144, 176, 1) for c in (clip, decoded)]
    assert measured.psnr_y_frames_db == pytest.approx(measure_.psnr(*luma), abs=1e-3)
    # Gaussian against ffmpeg's block windows: the same measure, not the same number.
    assert measured.ssim == pytest.approx(measure_.ssim(*luma).mean(), abs=0.02)


def test_a_lossless_copy_is_capped_at_60_db(encoded):
    clip, _, _ = encoded
    same = measure(clip, clip.path, vmaf=False)
    assert (same.psnr_y_db, same.psnr_y_sum_db, same.ssim) == (60.0, 60.0, 1.0)


@pytest.mark.skipif(quality.vmaf_ffmpeg() is None, reason="no ffmpeg with libvmaf on this machine")
def test_vmaf_tells_good_from_bad(encoded, footage):
    clip, path, _ = encoded
    bad = footage(
        "blurred.mkv",
        "size=176x144:rate=30000/1001",
        10,
        "-vf",
        "gblur=4",
        "-c:v",
        "ffv1",
        "-pix_fmt",
        "yuv420p",
    )
    assert measure(clip, clip.path).vmaf > 95
    assert measure(clip, path).vmaf > measure(clip, bad).vmaf + 10


def test_without_any_libvmaf_there_is_no_vmaf(encoded, monkeypatch):
    monkeypatch.setattr(quality, "vmaf_ffmpeg", lambda: None)
    clip, path, _ = encoded
    assert measure(clip, path).vmaf is None


def test_files_that_do_not_fit_are_refused(encoded, footage, tmp_path):
    clip, path, _ = encoded
    with pytest.raises(BadInput, match="another number of frames"):
        measure(replace(clip, max_frames=9), path)
    text = tmp_path / "text.webm"
    text.write_text("no video")
    with pytest.raises(BadInput):
        measure(clip, text)


@pytest.mark.parametrize("size", ["2x2", "17x33"])
def test_tiny_and_odd_sizes_are_measured(footage, size):
    scale = f"format=yuv444p,scale={size.replace('x', ':')}"
    path = footage(f"measured-{size}.mkv", "size=64x48:rate=25", 3, "-vf", scale, "-c:v", "ffv1")
    with open_clip(path) as clip:
        measured = measure(clip, path)
    assert measured.psnr_y_db == 60.0 and measured.frames == 3
