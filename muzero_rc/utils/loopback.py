"""Who may reach a port that we serve on."""

import contextlib
import os
import socket
from pathlib import Path

from muzero_rc.errors import RunError


def check_free(port: int) -> None:
    """Raises RunError when `port` cannot be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            raise RunError(
                f"port {port} cannot be used: {(error.strerror or str(error)).lower()}; choose another"
            ) from None


def only_loopback(port: int) -> None:
    """Ties this process's listening sockets on `port` to the loopback device.

    Reverb itself always listens on all interfaces.

    Raises:
      RunError: the system does not let us.
    """
    tied = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(entry.name))) as one:
            listens = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if listens and one.getsockname()[1] == port:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
                tied += 1
    if tied == 0:
        raise RunError(
            f"port {port} would be open to the network: this system cannot tie it to loopback; "
            "use --set replay.engine=memory, or --everywhere where that is meant"
        )
