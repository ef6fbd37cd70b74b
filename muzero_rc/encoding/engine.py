"""The encoders and the feature table: libvpx through the extension, or a fake with the same functions."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from muzero_rc.encoding.portable_policy import PortablePolicy, open_portable
from muzero_rc.types import Widths


@dataclass(frozen=True)
class Engine:
    """What encodes.

    Attributes:
      native: `encoder_bridge._native`, or what has the same functions.
      event, record, shown: dtypes of its arrays.
      has_quality: there is a constant-quality mode; without one, anchors use a constant qindex.
    """

    native: Any
    event: np.dtype[Any]
    record: np.dtype[Any]
    shown: np.dtype[Any]
    has_quality: bool = True

    @property
    def layouts(self) -> dict[str, Any]:
        """What `encoder_bridge.encode.batch.play` needs to know."""
        return {
            "event": self.event,
            "record": self.record,
            "shown": self.shown,
            "decision": self.native.EVENT_DECISION,
        }

    @property
    def widths(self) -> Widths:
        """Widths of the feature tables, kinds of frames."""
        return Widths.of(self.native)

    @property
    def libvpx(self) -> str:
        """Version of the libvpx that encodes."""
        return str(self.native.versions()["libvpx_runtime"])

    @property
    def filter_strength(self) -> int:
        """Of the alt-ref's filter, as policies of shapes set it where the user chose none; -1: none."""
        return int(self.native.versions().get("filter_strength", -1))

    def policy(self, source: str) -> PortablePolicy:
        """A policy file, or the controller by its name, opened for jobs; see `open_portable`."""
        return open_portable(source)


def libvpx_engine() -> Engine:
    """The real encoders."""
    from encoder_bridge import _native
    from encoder_bridge.encode.layouts import EVENT, RECORD, SHOWN

    return Engine(_native, EVENT, RECORD, SHOWN)
