"""rc-encode's options."""

from encoder_bridge.media.containers import CONTAINERS
from muzero_rc.cli.common import Parser, add_encoder_options, add_libvpx, add_version
from muzero_rc.deploy.policy_names import default_name

PROGRAM = "rc-encode"
AUTO = "auto"
REFILL = (AUTO, "never")
BIT_DEPTHS = (AUTO, "8", "10", "12")


def parser() -> Parser:
    """The options; man page and shell completion are made from it."""
    made = Parser(
        prog=PROGRAM,
        description="Encode videos as VP9, two passes, at a target bitrate or of a target size. The qindex "
        "of every frame comes from a policy.",
        epilog="The result goes to stdout, progress to stderr. Exit status: 0 done, 2 wrong use or bad "
        "input, 1 our own failure.",
    )
    add = made.add_argument
    add(
        "inputs",
        metavar="INPUT",
        nargs="+",
        help="anything that ffmpeg reads; - for y4m on stdin; img%%03d.png with --fps",
    )
    add(
        *("-o", "--output"),
        metavar="OUT",
        required=True,
        help=".webm, .mkv or .mp4, appears only when it is whole; - for stdout; a folder for several inputs",
    )
    add("--bitrate", help="of the video: 300k, 1.5M or 300000 (bits a second); several: 200k,400k")
    add("--max-bitrate", metavar="R", help="no peak above it, but for what a --buffer takes: 450k")
    add("--buffer", metavar="B", help="bits above --max-bitrate at once: 900k (default: two seconds of it)")
    add("--target-size", metavar="SIZE", help="of the whole output, never above it: 10M, 700K, 8MiB")
    add(
        "--policy",
        help=f"a name, a file, controller, or libvpx for its own rate control (default: {default_name()})",
    )
    add_encoder_options(made)
    add("--bit-depth", choices=BIT_DEPTHS, default=AUTO, help="auto: the input's own (default: %(default)s)")
    add("--tiles", type=int, metavar="N", help="columns, a power of 2 (default: by the width)")
    add("--row-mt", type=int, choices=(0, 1), help="rows in parallel (default: where tiles are too few)")
    add(
        *("--max-quality",),
        type=int,
        metavar="Q",
        help="no qindex below Q (default: only with --target-size, where nobody sees a difference)",
    )
    add(
        *("--refill",),
        choices=REFILL,
        default="auto",
        help="auto: encode once more where bits are left, unless to stdout (default: %(default)s)",
    )
    add(
        "--candidates",
        type=int,
        default=1,
        metavar="N",
        help="encode N times with other GOPs, keep the best that fits, scene by scene (default: %(default)s)",
    )
    add(
        "--effort",
        type=int,
        default=0,
        metavar="N",
        help="rehearse N times in miniature, and take the GOPs that did best (default: %(default)s)",
    )
    add_libvpx(made)
    add(
        *("--workers",),
        type=int,
        metavar="N",
        help="encode N parts of a film at once, under one budget, or N candidates (default: by length, cores "
        "and memory; for candidates 1)",
    )
    _add_selection(made)
    add("--audio", choices=("copy", "none"), default="copy", help="copy: coded anew where it must be")
    add("--audio-bitrate", metavar="R", help="code audio anew at this bitrate: 96k")
    add("--format", choices=tuple(CONTAINERS), help="of the output (default: what its suffix says, or webm)")
    add("--json", action="store_true", help="print results as JSON objects, one a line")
    add("--quiet", action="store_true", help="no progress, no notes")
    add("--force", action="store_true", help="replace outputs that exist")
    add("--resume", action="store_true", help="leave out outputs that exist")
    add_version(made)
    return made


def _add_selection(made: Parser) -> None:
    add = made.add_argument
    add("--start", metavar="T", help="begin there: 12.5 (seconds) or 1:02:03.5")
    add("--end", metavar="T", help="end there")
    add("--max-frames", type=int, metavar="N", help="encode the first N frames only")
    add("--fps", metavar="N", help="convert to this constant frame rate: 25, 30000/1001")
    add("--filter", metavar="GRAPH", default="", help="ffmpeg filters first: scale=-2:480, crop=…, bwdif")
    add("--allow-playlists", action="store_true", help="read inputs that name other files, such as HLS")
