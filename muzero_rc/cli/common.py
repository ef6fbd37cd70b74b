"""Shared by the commands: encoder options, one-line errors, exit statuses, clean termination."""

import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn, TextIO

from encoder_bridge.encode.config import EncoderConfig, Offered, offered
from encoder_bridge.errors import BridgeError, UserError

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


class Usage(UserError):
    """Wrong usage that argparse cannot see; the message says what to do instead."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, and that takes file names which begin with a dash."""

    words: Sequence[str] = ()
    """All that is being parsed."""

    def error(self, message: str) -> NoReturn:
        """Prints one line and ends with status 2."""
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def exit(self, status: int = DONE, message: str | None = None) -> NoReturn:
        """Ends; what waits in a stream's buffer goes out now, and a full one is said, not met at exit."""
        if message:
            tell(message.rstrip("\n"))
        try:
            sys.stdout.flush()
        except OSError as error:
            _drop(sys.stdout)
            if not isinstance(error, BrokenPipeError):
                tell(f"{self.prog}: {error}")
            status = status or FAILED
        sys.exit(status)

    def parse(self, argv: Sequence[str] | None = None) -> argparse.Namespace:
        """`parse_args`, but `-clip.mp4` is a file where there is such a file, or after -o."""
        open_standard_streams()
        self.words = self._protect_dashes(list(sys.argv[1:] if argv is None else argv))
        return self.parse_args(self.words)

    def _protect_dashes(self, argv: list[str]) -> list[str]:
        options = self._option_string_actions
        protected: list[str] = []
        for position, word in enumerate(argv):
            if word == "--":
                return protected + argv[position:]
            dashed = len(word) > 1 and word.startswith("-") and word.partition("=")[0] not in options
            names_output = position > 0 and argv[position - 1] in ("-o", "--output")
            protected.append(f"./{word}" if dashed and (names_output or Path(word).exists()) else word)
        return protected


def add_encoder_options(
    parser: argparse.ArgumentParser, *, leave_out: Collection[str] = (), **defaults: int
) -> None:
    """Adds an option for every encoder setting that is offered as one; `defaults` are this command's own.

    Settings in `leave_out` the command declares itself.
    """
    for name, setting in offered(Offered.OPTION).items():
        if name in leave_out:
            continue
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=int,
            default=defaults.get(name, setting.default),
            metavar="N",
            help=f"{setting.words} (default: %(default)s)",
        )


def add_libvpx(parser: argparse.ArgumentParser) -> None:
    """Adds --libvpx, which `open_libvpx` obeys."""
    parser.add_argument(
        "--libvpx",
        metavar="PATH",
        help="the libvpx that encodes, 1.10 to 1.17 (default: MUZERO_RC_LIBVPX, or the newest here)",
    )


def open_libvpx(args: argparse.Namespace) -> None:
    """Opens the libvpx of a command line with `add_libvpx`, for this process and those that it starts.

    Raises:
        ToolMissing: it cannot be used, or there is none.
    """
    from encoder_bridge import libvpx

    libvpx.choose(args.libvpx) if args.libvpx else libvpx.load()


def add_farm(parser: argparse.ArgumentParser) -> None:
    """Adds --farm, for `muzero_rc.distributed.farm.open_farm`."""
    parser.add_argument(
        "--farm",
        default="local",
        metavar="local|ray[:ADDRESS]",
        help="where encodes run: this machine (default), or a Ray cluster, which the extra `cluster` needs",
    )


def add_version(parser: argparse.ArgumentParser) -> None:
    """Adds --version: ours, and libvpx's with its ABIs and its path."""
    parser.add_argument("--version", action=_Version, nargs=0, help="print versions")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        def body() -> int:
            from encoder_bridge import libvpx

            wanted = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
            add_libvpx(wanted)
            open_libvpx(wanted.parse_known_args(getattr(parser, "words", ()))[0])
            print(f"{parser.prog} {version('muzero-rc')}, {libvpx.describe()}")
            return DONE

        parser.exit(run(parser.prog, body))


def encoder_config(args: argparse.Namespace, **rest: int) -> EncoderConfig:
    """The encoder settings of a command line with `add_encoder_options`, and `rest`."""
    chosen = {name: getattr(args, name) for name in offered(Offered.OPTION)}
    return EncoderConfig(**chosen, **rest)


def run(
    program: str, body: Callable[[], int], *, interrupted: str = "interrupted, nothing was written"
) -> int:
    """Runs a command; turns what it raises into one line on stderr and an exit status."""
    open_standard_streams()
    try:
        with _clean_ends():
            status = body()
            sys.stdout.flush()
            return status
    except KeyboardInterrupt:
        return _say(program, interrupted, INTERRUPTED)
    except BrokenPipeError:
        # The reader of stdout went away (`| head`): nothing to say, and nothing left to flush.
        _drop(sys.stdout)
        return FAILED
    except Exception as error:  # a traceback helps nobody at a prompt
        if os.environ.get("MUZERO_RC_TRACEBACK"):
            raise
        if isinstance(error, OSError):
            _flush_or_drop(sys.stdout)
        return _say(program, _one_line(error), BAD_INPUT if isinstance(error, UserError) else FAILED)


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return "out of memory: raise the limit (ulimit -v), or free some"
    if isinstance(error, UserError | BridgeError | OSError):
        return text
    return f"{type(error).__name__}: {text} (MUZERO_RC_TRACEBACK=1 shows where)"


def _say(program: str, text: str, status: int) -> int:
    tell(f"{program}: {text}")
    return status


def tell(line: str) -> None:
    """Prints to stderr; a stderr that is full or gone is no error."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        _drop(sys.stderr)


def open_standard_streams() -> None:
    """What is closed becomes the null device, and a name that is no UTF-8 can be printed.

    Its bytes are printed as JSON escapes them.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, closefd=False)
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", closefd=False))
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _flush_or_drop(stream: TextIO) -> None:
    """What a full disk left in a stream's buffer would be tried again at exit."""
    try:
        stream.flush()
    except OSError:
        _drop(stream)


def _drop(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def _clean_ends() -> Iterator[None]:
    """SIGTERM and SIGHUP unwind like Ctrl-C, so that temporary files go."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)
