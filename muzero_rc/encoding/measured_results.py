"""Results with what the run's objective makes of them; measured on the farm, as encodes end."""

import dataclasses
from collections.abc import Iterator
from concurrent.futures import Future, as_completed

from encoder_bridge.encode.batch import BatchResult
from encoder_bridge.encode.objective import Objective
from encoder_bridge.encode.objective_quality import measured_quality
from encoder_bridge.errors import BridgeError
from muzero_rc.encoding.farm import Farm, Shared


def with_quality(farm: Farm, objective: Objective, results: Iterator[BatchResult]) -> Iterator[BatchResult]:
    """The same results, those of second passes with their quality: in the order in which it is known.

    Args:
        farm: that measures.
        objective: one that `decodes`.
        results: second passes with all packets.
    """
    running: dict[Future[float], BatchResult] = {}
    for done in results:
        if done.encode is None:
            yield done
            continue
        clip = Shared(f"clip {done.job.clip.key}", done.job.clip, done.job.clip.frames.nbytes)
        result = done.encode
        running[farm.submit(measured_quality, objective, clip, result.psnr_y_db, result.packets)] = done
        for future in [one for one in running if one.done()]:
            yield _with(running.pop(future), future)
    for future in as_completed(list(running)):
        yield _with(running[future], future)


def _with(done: BatchResult, future: "Future[float]") -> BatchResult:
    """A measurement that fails is a failure of the encode."""
    try:
        return dataclasses.replace(done, quality=future.result())
    except BridgeError as error:
        return BatchResult(done.job, error=str(error))
