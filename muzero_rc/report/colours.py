"""A colour for each rate control of a report."""

from collections.abc import Sequence

from muzero_rc.evaluation.rate_controls import (
    LIBVPX_CORPUS,
    LIBVPX_PER_TITLE,
    LIBVPX_Q,
    LIBVPX_Q_REPLAY,
    LIBVPX_VBR,
    LIBVPX_VBR_ARF1,
    LIBVPX_VBR_KF_FILTER,
    base_name,
)

_FIXED = {
    LIBVPX_VBR: "#6b7782",
    LIBVPX_VBR_ARF1: "#b3bcc4",
    LIBVPX_VBR_KF_FILTER: "#3f4a54",
    LIBVPX_Q: "#d98200",
    LIBVPX_Q_REPLAY: "#8a5a00",
    LIBVPX_PER_TITLE: "#a83c9a",
    LIBVPX_CORPUS: "#5a8f29",
    "controller": "#0072b2",
}
_OTHERS = ("#c23b75", "#00835c", "#7a4fb5", "#b3361b", "#00808a", "#5c6b00")


def colours_of(rate_controls: Sequence[str]) -> dict[str, str]:
    """A colour for each name; libvpx's own keep theirs from report to report, whatever their cpu-used."""
    others = dict.fromkeys(base_name(name) for name in rate_controls if base_name(name) not in _FIXED)
    mine = {name: _OTHERS[i % len(_OTHERS)] for i, name in enumerate(others)}
    return {name: _FIXED.get(base_name(name)) or mine[base_name(name)] for name in rate_controls}
