"""Farms by the names that --farm takes."""

from muzero_rc.encoding.farm import Farm, LocalFarm
from muzero_rc.errors import RunError
from muzero_rc.utils.extras import require_extra

LOCAL, RAY = "local", "ray"


def open_farm(name: str, slots: int) -> Farm:
    """Opens a farm.

    Args:
        name: "local", "ray" (the cluster that this machine belongs to, or one of this machine alone), or
            "ray:ADDRESS" (the cluster whose head listens there).
        slots: encodes at a time on this machine; a cluster has its own number.

    Raises:
        RunError: there is no such farm, or its cluster cannot be joined.
        MissingExtra: Ray is not installed.
    """
    kind, _, address = name.partition(":")
    if name == LOCAL:
        return LocalFarm(slots)
    if kind != RAY or (address == "" and name != RAY):
        raise RunError(f"farm {name!r} is unknown: use {LOCAL}, {RAY} or {RAY}:ADDRESS")
    require_extra("cluster")
    from muzero_rc.distributed.ray_farm import RayFarm

    return RayFarm(address or None)
