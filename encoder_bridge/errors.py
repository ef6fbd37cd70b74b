"""Errors with one line for a person: what, which value, what to do.

Each one is a `BridgeError` and the builtin that a caller would expect.
"""


class BridgeError(Exception):
    """Everything that this package raises on purpose."""


class UserError(ValueError):
    """The root of all refusals: the caller can mend it. Commands end with status 2."""


class BadInput(BridgeError, UserError):
    """The caller's file or value cannot be used."""


class ToolMissing(BridgeError, UserError, RuntimeError):
    """A program that we need (ffmpeg, ffprobe) is not installed."""


class EncodeFailed(BridgeError, RuntimeError):
    """libvpx, ffmpeg or the bridge failed in the middle of the work."""


class WaitExpired(BridgeError, TimeoutError):
    """The encoder did not answer before the deadline."""


class NotRunning(BridgeError, RuntimeError):
    """A step, a request or an answer without a running encode that waits for it."""


class BadBitstream(BridgeError, ValueError):
    """Bytes that are no VP9 packet."""
