"""Sources: what an INPUT names, and what ffmpeg may open to read it.

By default one self-contained file. A file that names others (an HLS or DASH playlist, an ffconcat script,
whatever it is called) would open what its author likes on the reader's machine.
"""

import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

from encoder_bridge.errors import BadInput
from encoder_bridge.media.ffmpeg import ProbeError, describe
from encoder_bridge.media.scratch import scratch_file

STDIN = "-"
"""The name of stdin on a command line."""
_BLOCK_BYTES = 1 << 20
_LOOK_BYTES = 8 << 20
"""So much of a pipe is read before it must look like a video."""
_URL = re.compile(r"[a-z][a-z0-9+.]+://", re.IGNORECASE)
_PATTERN = re.compile(r"%0?\d*d")

_PROTOCOLS = "file,pipe"
_SELF_CONTAINED = """
    3dostr 4xm alias_pix amv anm apng asf asf_o av1 avi avr avs avs2 avs3 bethsoftvid bfi bink bmv c93
    cavsvideo cdg cdxl cine dhav dirac dnxhd dsicin dv dxa ea ea_cdata film_cpk filmstrip flic flv frm gdv
    gif gxf h261 h263 h264 hevc vvc evc hnm ico idcin idf iff ifv ingenient ipmovie ipu iv8 ivf ivr jv kux
    live_flv lmlm4 luodat lvf lxf m4v matroska webm mgsts mjpeg mjpeg_2000 mm moflex mov mp4 m4a 3gp 3g2
    mj2 mpeg mpegts mpegtsraw mpegvideo mpjpeg msnwctcp mtaf mtv mv mvi mxf mxg nc nsv nut nuv obu ogg paf
    pmp psxstr pva r3d rl2 rm roq rpl sdr2 ser sga siff simbiosis_imx smk smjpeg smush sol svag swf thp
    tiertexseq tmv ty vc1 vc1test vidc viv vividas vivo vmd wc3movie wsvqa wtv wv xmv yop yuv4mpegpipe
    webp_anim
    image2
    png_pipe jpeg_pipe bmp_pipe tiff_pipe webp_pipe exr_pipe dpx_pipe j2k_pipe ppm_pipe pgm_pipe pam_pipe
    pbm_pipe qoi_pipe sgi_pipe sunrast_pipe jpegxl_pipe psd_pipe dds_pipe wav w64 mp3 aac ac3 eac3 dts flac
    aiff au caf amr ape tta truehd opus srt ass webvtt
"""
"""Demuxers of ffmpeg that open no other file, pictures and sound included: for those we have better words."""
_SAFE_OPTIONS = (
    ("protocol_whitelist", _PROTOCOLS),
    ("format_whitelist", ",".join(_SELF_CONTAINED.split())),
)
_PLAYLIST_OPTIONS = (("protocol_whitelist", f"{_PROTOCOLS},crypto,data"),)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Something that ffmpeg can read from the start as often as it is asked."""

    path: Path
    name: str
    """What people call it."""
    options: tuple[tuple[str, str], ...] = _SAFE_OPTIONS
    """ffmpeg's and ffprobe's, before its name."""
    is_sequence: bool = False
    """Numbered pictures; `path` is their pattern."""


@contextmanager
def open_source(
    word: str | Path, *, playlists: bool = False, fps: Fraction | None = None
) -> Iterator[Source]:
    """Finds out what `word` names; a pipe is spooled to a nameless file first.

    Args:
        word: a file, "-" for stdin, or a pattern of numbered pictures such as img%03d.png.
        playlists: files that name other local files are read too.
        fps: of numbered pictures.

    Raises:
        BadInput: a URL, a device, nothing at all, or a pipe without a video in it.
    """
    path, text = Path(word), str(word)
    options = _PLAYLIST_OPTIONS if playlists else _SAFE_OPTIONS
    if text == STDIN or path.is_fifo():
        with _spooled(path, is_stdin=text == STDIN) as spooled:
            yield Source(path=spooled, name="stdin" if text == STDIN else text, options=options)
        return
    if _URL.match(text) and not path.exists():
        raise BadInput(f"{text} is a URL: download it first, or pipe it into rc-encode -")
    if _is_device(path):
        raise BadInput(f"{text} is a device: name a file, or - for stdin")
    if _PATTERN.search(path.name) and not path.exists():
        yield _sequence(path, fps)
        return
    yield Source(path=path.absolute(), name=text, options=options)


def _sequence(path: Path, fps: Fraction | None) -> Source:
    numbered = re.compile(
        "".join(rf"\d{{{n or 1},}}" if p is None else re.escape(p) for p, n in _parts(path))
    )
    if not path.parent.is_dir() or not any(numbered.fullmatch(one.name) for one in path.parent.iterdir()):
        raise BadInput(f"{path} cannot be opened: no such file, and no pictures of such numbers")
    if fps is None:
        raise BadInput(f"{path} is a sequence of pictures: say how many a second with --fps")
    options = (("protocol_whitelist", _PROTOCOLS), ("f", "image2"), ("framerate", str(fps)))
    return Source(path=path.absolute(), name=str(path), options=options, is_sequence=True)


def _parts(path: Path) -> Iterator[tuple[str | None, str]]:
    """The name's text, and (None, digits) for each number in it."""
    at = 0
    for match in _PATTERN.finditer(path.name):
        yield path.name[at : match.start()], ""
        yield None, match[0].strip("%d").lstrip("0")
        at = match.end()
    yield path.name[at:], ""


def _is_device(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISSOCK(mode)


@contextmanager
def _spooled(path: Path, *, is_stdin: bool) -> Iterator[Path]:
    name = "stdin" if is_stdin else str(path)
    if is_stdin and (sys.stdin is None or sys.stdin.buffer.isatty()):
        raise BadInput("stdin is a terminal: pipe a y4m video into it")
    with scratch_file(".y4m") as (spool, where):
        with sys.stdin.buffer if is_stdin else path.open("rb") as stream:
            _copy(stream, spool, where, name)
        spool.flush()
        if spool.tell() == 0:
            raise BadInput(f"{name} holds no bytes: pipe a y4m video into it")
        yield where


def _copy(stream: IO[bytes], spool: IO[bytes], where: Path, name: str) -> None:
    """All of `stream`; one that never ends is told by its start, which is no video."""
    while spool.tell() < _LOOK_BYTES:
        block = stream.read(_BLOCK_BYTES)
        if not block:
            return
        spool.write(block)
    spool.flush()
    try:
        describe(where)
    except ProbeError as error:
        if "moov atom" not in str(error):
            raise BadInput(f"{name} holds no video that ffmpeg can read") from error
    shutil.copyfileobj(stream, spool, _BLOCK_BYTES)
