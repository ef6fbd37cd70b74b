"""On each release: what a policy saw is recomputed from the records, errors that came late included."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.libvpx_releases import Libvpx
from support.native_samples import answer, finish, first_pass, moving_texture, settings
from support.policy_samples import c_logits, feature_version, network, states_of, widths

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass as run_first_pass
from encoder_bridge.encode.layouts import ALTREF, SHOW_EXISTING, Records, as_records
from encoder_bridge.encode.run import encode
from muzero_rc.config.schema import NetworkConfig
from muzero_rc.deploy.policy_export import export_policy

WIDTH, HEIGHT, FRAMES, LAG = 96, 80, 52, 25


def played(config: dict[str, int], clip: Any) -> tuple[Records, list[Any], Any]:
    """The records of a second pass, what was asked, and the statistics."""
    pool, asked = _native.Pool(1), []

    def choose(event: np.void) -> int:
        asked.append(event.copy())
        return 60 + 7 * int(event["coding_index"]) % 120

    blob = first_pass(pool, config, clip)
    pool.start(0, config, clip, stats=blob, guard=False)
    answer(pool, choose)
    finish(pool, 0)
    stats = np.frombuffer(pool.frame_stats(blob), np.float64).reshape(len(clip), -1)
    records = as_records(pool.records(0))
    pool.close()
    return records, asked, stats


@pytest.mark.parametrize("auto_alt_ref", [0, 1, 6])
def test_the_features_of_every_question_are_recomputed(libvpx: Libvpx, auto_alt_ref: int) -> None:
    config = settings(WIDTH, HEIGHT, auto_alt_ref=auto_alt_ref)
    records, asked, stats = played(config, moving_texture(WIDTH, HEIGHT, FRAMES))
    steps = np.ones((len(records), len(_native.feature_tables()["step"])), np.float32)
    q_ref = np.ones(len(records), np.int32)
    _native.replay_features(WIDTH, HEIGHT, config["target_kbps"], stats, records, steps, q_ref)
    coded = records["frame_type"] != SHOW_EXISTING
    np.testing.assert_array_equal(steps[coded], [event["step"] for event in asked])
    assert q_ref[coded].tolist() == [int(event["q_ref"]) for event in asked]


def test_records_say_when_an_error_was_told(libvpx: Libvpx) -> None:
    config = settings(WIDTH, HEIGHT, auto_alt_ref=6)
    records, _, _ = played(config, moving_texture(WIDTH, HEIGHT, FRAMES))
    late = records["sse_after"]
    if not libvpx.by_index:
        assert not late.any()
        return
    hidden = records["frame_type"] == ALTREF
    assert not late[hidden].any()
    assert (late[~hidden] > 0).all()
    told = (np.arange(len(records)) + late)[~hidden]
    assert (np.diff(told) >= 0).all()
    # Each call of libvpx codes a shown frame and what is hidden before it; what is coded in the flush at the
    # end is told when all of it is there.
    flushed = told == len(records)
    assert LAG - 1 <= flushed.sum() <= LAG + 1
    assert (late[~hidden][~flushed] <= 1 + 6).all()


def test_a_policys_answers_are_those_of_the_recomputed_features(libvpx: Libvpx, tmp_path: Path) -> None:
    sizes = NetworkConfig(width=16, latents=2, encoder_layers=1)
    path = tmp_path / "policy.safetensors"
    export_policy(path, network(sizes, seed=3)[1], sizes, widths(), feature_version(), {})
    frames = moving_texture(WIDTH, HEIGHT, FRAMES)
    config = EncoderConfig(width=WIDTH, height=HEIGHT, target_kbps=120, cpu_used=5)
    first = run_first_pass(frames, config)
    result = encode(frames, first, config, policy=str(path), guard=False)
    records = result.records[result.records["frame_type"] >= 0]
    states, q_ref = states_of(config, first, result.records, config.target_kbps)
    chosen = np.asarray(sizes.actions)[
        c_logits(_native.Policy(str(path)), len(sizes.actions), states).argmax(-1)
    ]
    assert records["asked"].tolist() == np.clip(q_ref + chosen, 1, 255).tolist()
