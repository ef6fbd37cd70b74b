"""A made-up report: every table has rows, and every name has what HTML must escape."""

from dataclasses import replace

from muzero_rc.evaluation.results import CodedFrames, Failure, MeasuredEncode, ReportClip, ReportData

AWKWARD_CLIP = "a <b>&'c\" é"
AWKWARD_POLICY = "</script><i>\"p'&"
POLICY_GAIN = 0.9
"""The policy's bits over VBR's at equal quality: a BD-rate of -10 %."""
TARGETS = (100, 150, 220, 330, 500)
RATE_CONTROLS = ("libvpx-vbr", "libvpx-vbr-arf1", "libvpx-q", AWKWARD_POLICY)


def coded_frames() -> CodedFrames:
    """Three frames, one of them hidden."""
    return CodedFrames([0, 2, 1], [0, 8, 1], [0, 1, 1], [0, 1, 1], [50, 60, 90], [800, 500, 100])


def measured_encode(clip: str, rate_control: str, rung: int, **changes: object) -> MeasuredEncode:
    """The encode of one rung; `changes` replace fields."""
    gain = POLICY_GAIN if rate_control == AWKWARD_POLICY else 1.0
    constant_quality = rate_control == "libvpx-q"
    psnr = 30.0 + 2 * rung
    encode = MeasuredEncode(
        clip=clip,
        rate_control=rate_control,
        target_kbps=None if constant_quality else TARGETS[rung],
        cq_level=50 - rung if constant_quality else None,
        kbps=gain * TARGETS[rung],
        metrics={
            "psnr_y_db": psnr,
            "psnr_y_sum_db": psnr - 0.5,
            "psnr_y_p5_db": psnr - 3,
            "psnr_611_db": psnr + 1,
            "ssim": 0.9 + 0.01 * rung,
        },
        frames=2,
        fps=25.0,
        encode_s=0.25,
        guarded=0,
        coded=coded_frames(),
    )
    return replace(encode, **changes)  # type: ignore[arg-type]


def report_data() -> ReportData:
    """Two clips, four rate controls, one failure, one clip without a curve."""
    clips = [ReportClip(name, 64, 48, 2, 25.0, "ab" * 32) for name in (AWKWARD_CLIP, "plain")]
    encodes = [
        measured_encode(clip.name, rate_control, rung)
        for clip in clips
        for rate_control in RATE_CONTROLS
        for rung in range(len(TARGETS))
        if (clip.name, rate_control) != ("plain", "libvpx-vbr-arf1")
    ]
    return ReportData(
        clips=clips,
        encodes=encodes,
        failures=[Failure("plain", "libvpx-vbr-arf1", "no <luck> & none")],
        rate_controls=list(RATE_CONTROLS),
        baseline="libvpx-vbr",
        policies=[AWKWARD_POLICY],
        settings={"targets": "Targets from <a> & b", "cpu-used": "4"},
        versions={"libvpx": "1.2.3", f"policy {AWKWARD_POLICY}": "SHA-256 0"},
        command=f"rc-report '{AWKWARD_CLIP}'",
        notes=["a <note> & more"],
    )
