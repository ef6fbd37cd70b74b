import subprocess
from dataclasses import replace

import numpy as np
import pytest

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.encode.run import encode
from encoder_bridge.errors import BadInput
from encoder_bridge.media import quality_filters
from encoder_bridge.media.decode import open_clip, open_frames, read_frames
from encoder_bridge.media.ivf import ivf_file
from encoder_bridge.media.mux import write_output
from encoder_bridge.media.output import check_output
from encoder_bridge.media.quality import measure
from encoder_bridge.media.quality_filters import OPTIONAL, filter_ffmpeg


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
    measured = measure(clip, path, optional=())
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
    measured = measure(clip, path, optional=())
    decoded = replace(clip, path=path, stream=0)
    luma = [read_frames(c)[:, : 176 * 144].reshape(-1, 144, 176, 1) for c in (clip, decoded)]
    assert measured.psnr_y_frames_db == pytest.approx(measure_.psnr(*luma), abs=1e-3)
    # Gaussian against ffmpeg's block windows: the same measure, not the same number.
    assert measured.ssim == pytest.approx(measure_.ssim(*luma).mean(), abs=0.02)


def test_a_lossless_copy_is_capped_at_60_db(encoded):
    clip, _, _ = encoded
    same = measure(clip, clip.path, optional=())
    assert (same.psnr_y_db, same.psnr_y_sum_db, same.ssim) == (60.0, 60.0, 1.0)


def test_chroma_and_the_worst_frames_count(encoded):
    clip, path, _ = encoded
    measured = measure(clip, path, optional=())
    ours, theirs = (read_frames(c).astype(int) for c in (clip, replace(clip, path=path, stream=0)))
    luma, chroma = 176 * 144, 88 * 72
    planes = np.split((ours - theirs) ** 2, [luma, luma + chroma], axis=1)
    db = np.array([10 * np.log10(255**2 / plane.mean(axis=1)) for plane in planes])
    assert measured.psnr_611_db == pytest.approx(((6 * db[0] + db[1] + db[2]) / 8).mean())
    assert measured.psnr_y_p5_db == pytest.approx(np.percentile(db[0], 5))
    assert db[0].min() < measured.psnr_y_p5_db < measured.psnr_y_db


needs_all = pytest.mark.skipif(
    filter_ffmpeg()[1] != set(OPTIONAL), reason="no ffmpeg with libvmaf and xpsnr on this machine"
)


@needs_all
def test_the_filters_tell_good_from_bad(footage):
    size = "size=176x176:rate=30000/1001"
    path = footage("square.mkv", size, 4)
    lossless = ("-c:v", "ffv1", "-pix_fmt", "yuv420p")
    with open_clip(path) as clip:
        same = measure(clip, path)
        good, bad = (
            measure(clip, footage(f"blur-{sigma}.mkv", size, 4, "-vf", f"gblur={sigma}", *lossless))
            for sigma in (0.5, 4)
        )
    assert same.vmaf > 95 and same.ms_ssim == pytest.approx(1) and same.xpsnr_y_db == 60
    assert good.vmaf > bad.vmaf + 10
    assert good.ms_ssim > bad.ms_ssim + 0.01
    assert good.xpsnr_y_db > bad.xpsnr_y_db + 3


@needs_all
def test_vmaf_neg_does_not_reward_sharpening(footage):
    size = "size=176x176:rate=30000/1001"
    soft = footage("soft.mkv", size, 4, "-vf", "gblur=1", "-c:v", "ffv1", "-pix_fmt", "yuv420p")
    sharpened = soft.with_name("sharpened.mkv")
    sharpen = ("-vf", "unsharp=5:5:1.5", "-c:v", "ffv1", "-pix_fmt", "yuv420p", "-bitexact")
    subprocess.run(["ffmpeg", "-v", "error", "-i", soft, *sharpen, sharpened], check=True)
    with open_clip(soft) as clip:
        same, other = (measure(clip, path, optional=["vmaf", "vmaf-neg"]) for path in (soft, sharpened))
    assert same.vmaf == pytest.approx(same.vmaf_neg, abs=0.5)
    assert other.vmaf - other.vmaf_neg > 3


@needs_all
def test_small_pictures_have_no_ms_ssim(encoded):
    clip, path, _ = encoded
    measured = measure(clip, path, optional=["vmaf", "ms-ssim"])
    assert measured.vmaf > 0 and measured.ms_ssim is None and measured.xpsnr_y_db is None


@pytest.mark.parametrize("there", [frozenset(), frozenset({"xpsnr"})])
def test_what_no_ffmpeg_measures_is_left_out(encoded, monkeypatch, there):
    if not there <= filter_ffmpeg()[1]:
        pytest.skip("no ffmpeg with xpsnr on this machine")
    ffmpeg = filter_ffmpeg()[0]
    monkeypatch.setattr(quality_filters, "filter_ffmpeg", lambda: (ffmpeg, there))
    clip, path, _ = encoded
    measured = measure(clip, path)
    assert measured.vmaf is None and measured.ms_ssim is None
    assert (measured.xpsnr_y_db is None) == (not there) and 0 < measured.ssim <= 1


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
