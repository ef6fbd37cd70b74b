"""Whole second passes: under a policy, under libvpx's own rate control, or a replay of known qindexes."""

from collections.abc import Callable, Sequence

import numpy as np

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.film import FilmPart
from encoder_bridge.encode.gop_shapes import Shapes, as_shapes
from encoder_bridge.encode.layouts import EVENT
from encoder_bridge.encode.pool import STALL_S, EncoderPool, PoolFactory
from encoder_bridge.encode.result import EncodeResult, FirstPass, Packet
from encoder_bridge.encode.waiting import (
    FrameSource,
    Progress,
    as_native_source,
    collect,
    native_errors,
    pool_of_one,
    wait_for_end,
)
from encoder_bridge.errors import BadInput, EncodeFailed


def encode(
    source: FrameSource,
    first: FirstPass,
    config: EncoderConfig,
    *,
    mode: str = "policy",
    policy: _native.Policy | str = "controller",
    plan: Sequence[int] | None = None,
    guard: bool = True,
    shapes: Shapes | None = None,
    part: FilmPart | None = None,
    keep_packets: bool = False,
    on_packets: Callable[[list[Packet]], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
    new_pool: PoolFactory = _native.Pool,
    stall_s: float = STALL_S,
) -> EncodeResult:
    """Runs a whole second pass.

    Args:
        source: the frames that `first` was made of.
        first: of the same frames and settings.
        config: with the size, the frame rate and the target.
        mode: "policy" lets `policy` decide, in C; "plan" feeds `plan` back, unguarded; "libvpx"
            leaves libvpx's own rate control alone.
        policy: a file or "controller"; a `_native.Policy`, once opened, serves many encodes.
        plan: qindex of every coded frame, in coding order.
        guard: hold a policy to the budget, whatever it says.
        shapes: of the GOPs, in order; after their end libvpx's own. None leaves them to the policy.
        part: of a film; `first` is then its `first_pass`, and its bits are the budget.
        keep_packets: put them all into the result.
        on_packets: takes them as they come instead, so that memory does not grow.
        progress: called a few times a second.
        new_pool: `_native.Pool`, or `FakePool` in tests.
        stall_s: give up after so many seconds without any progress.

    Raises:
        BadInput: sources or settings that do not fit together, or an unknown mode.
        EncodeFailed: libvpx failed, or `plan` has another length than the encode.
        WaitExpired: no progress for `stall_s` seconds.
    """
    if mode not in ("policy", "plan", "libvpx") or (mode == "plan") != (plan is not None):
        raise BadInput(f'mode "{mode}" is unknown, or comes without its plan: use policy, plan or libvpx')
    config.check_target()
    kept: list[Packet] = []
    sink = on_packets or (kept.extend if keep_packets else None)
    with pool_of_one(new_pool) as pool, native_errors():
        if mode == "policy" and isinstance(policy, str):
            policy = _native.Policy(policy)
        pool.start(
            0,
            config.as_native(),
            as_native_source(source, config),
            stats=first.blob,
            mode="ask" if mode == "plan" else mode,
            policy=policy if mode == "policy" else None,
            guard=guard and mode == "policy",
            keep_packets=sink is not None,
            shapes=as_shapes(shapes),
            **(part.as_native() if part is not None else {}),
        )
        if plan is not None:
            _follow(pool, plan, stall_s)
        wait_for_end(pool, progress, sink, stall_s)
        return collect(pool, 0, config, kept)


def validate_episode(
    source: FrameSource, first: FirstPass, result: EncodeResult, *, new_pool: PoolFactory = _native.Pool
) -> list[str]:
    """Replays an encode's decisions and says what came out differently: [] for the same bytes.

    Args:
        source: the frames of the first time.
        first: their first pass.
        result: with `packets` for a comparison of the bytes; without, of sizes and errors only.
        new_pool: as in `encode`.
    """
    again = encode(
        source,
        first,
        result.config,
        mode="plan",
        plan=result.qindexes,
        shapes=result.shapes,
        keep_packets=True,
        new_pool=new_pool,
    )
    differences = [
        f"{name} of the shown frames differ"
        for name in ("pts", "bytes", "key", "sse_y")
        if not np.array_equal(result.shown[name], again.shown[name])
    ]
    if result.packets and result.packets != again.packets:
        differences.append("packets differ")
    return differences


def _follow(pool: EncoderPool, plan: Sequence[int], timeout_s: float) -> None:
    """Answers slot 0's requests from a list."""
    event, slot, answer = np.zeros(1, EVENT), np.zeros(1, np.int32), np.zeros(1, np.int32)
    asked = 0
    while pool.recv(1, timeout_s, event) and event[0]["kind"] == _native.EVENT_DECISION:
        if asked == len(plan):
            raise EncodeFailed(f"the plan has {len(plan)} decisions, but libvpx asks for more")
        answer[0] = plan[asked]
        asked += 1
        pool.send(slot, answer)
    if event[0]["kind"] == _native.EVENT_DONE and asked < len(plan):
        raise EncodeFailed(f"the plan has {len(plan)} decisions, but libvpx asked for {asked} only")
