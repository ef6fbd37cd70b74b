"""What the dynamics begin with: the controller's expectation, and each layer's last frame."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from encoder_bridge import _native
from encoder_bridge.encode.layouts import LAYERS
from muzero_rc.agent.batch import scaled_log_sse
from muzero_rc.agent.forecast import BITS_PER_OCTAVE, forecasts, octaves
from muzero_rc.agent.networks import exo_width, make_networks
from muzero_rc.config.schema import NetworkConfig
from muzero_rc.types import HINTS, Forecast, Schedule, Widths

WIDTHS = Widths.of(_native)
CONFIG = NetworkConfig(width=8, encoder_layers=0, latents=1, attention_heads=1, step_blocks=0)
TOP, LEAF = LAYERS.index("top"), LAYERS.index("leaf")
STEPS = np.array(WIDTHS.log2_steps)


def step_features(**named):
    """f4[1, S] with these features, 0 else."""
    step = np.zeros((1, WIDTHS.step), np.float32)
    for name, value in named.items():
        step[0, WIDTHS.step_names.index(name)] = value
    return step


ALT_REF = {
    "is_top": 1.0,
    "reference_qindex": 100 / 128 - 1,
    "expected_to_share": 0.5,  # 2 octaves over the target's bits per frame
    "expected_bits": 0.25,
    "top_seen": 1.0,
    "top_last_step": 0.0,
    "top_last_quality": 0.1,  # 41 dB
    "leaf_seen": 1.0,
    "leaf_last_step": 1.0,
    "leaf_last_bits": -0.75,
    "leaf_last_quality": -0.3,  # 37 dB
}


def known(ahead=(LEAF,), **changes):
    layer = np.array([ahead])
    schedule = Schedule(layer * 0, layer, layer)
    return jax.tree_util.tree_map(
        lambda x: np.asarray(x)[0], forecasts(WIDTHS, step_features(**{**ALT_REF, **changes}), schedule)
    )


def test_a_forecast_by_hand():
    found = known()
    np.testing.assert_allclose(found.log_bits[0], 2.0 * np.log(2.0), rtol=1e-5)
    # The leaf before took 2^-3 bits a pixel; the target's are 2^(1 - 2) a pixel.
    np.testing.assert_allclose(found.log_bits[1], -2.0 * np.log(2.0), rtol=1e-5)
    for quality, said in zip((41.0, 37.0), found.log_sse, strict=True):
        assert said == pytest.approx(scaled_log_sse(255.0**2 / 10 ** (quality / 10), 1.0), abs=1e-4)
    assert found.qindex[0] == pytest.approx(100.0, abs=0.01)
    assert np.interp(found.qindex[1], np.arange(256), STEPS) == pytest.approx(STEPS[100] + 1.0, abs=1e-3)
    assert found.layer.tolist() == [TOP, LEAF]


def test_a_finer_frame_than_its_layers_last_is_better():
    finer, coarser = known(top_last_step=0.5).log_sse[0], known(top_last_step=-0.5).log_sse[0]
    assert finer < known().log_sse[0] < coarser


def test_references_and_content_give_hints_of_the_frame_itself_alone():
    nothing = known(top_seen=0.0, expected_bits=0.0).hints
    assert not nothing.any()
    golden = {"golden_valid": 1.0, "golden_quality": 0.3, "golden_step": -0.5}  # 43 dB
    found = known(last_valid=1.0, last_quality=0.1, last_step=0.5, look_between=0.7, **golden).hints
    np.testing.assert_allclose(found[0], [1.0, 0.2, 0.1, 0.0, 1.0, 0.7, 0.25], atol=1e-5)
    assert not found[1:].any()


def test_a_layers_first_frame_is_forecast_all_the_same():
    found = known(top_seen=0.0, leaf_seen=0.0)
    assert np.isfinite(found.log_sse).all() and found.log_bits[1] == found.log_bits[0]


@pytest.mark.parametrize("mode", ["relative", "absolute"])
def test_actions_in_octaves(mode):
    config = NetworkConfig(action_mode=mode)
    wanted = config.actions.index(-11 if mode == "relative" else 89)
    found = octaves(config, WIDTHS, jnp.array([100.0]), np.array([wanted]))
    np.testing.assert_allclose(found, STEPS[89] - STEPS[100], rtol=1e-5)


def test_fresh_dynamics_say_the_forecast_and_what_the_action_moves():
    """They begin as good as the best of their inputs, and learn a correction."""
    networks = make_networks(CONFIG, WIDTHS)
    params = networks.init(jax.random.PRNGKey(0))
    state, exo = np.ones((1, CONFIG.width), np.float32), np.zeros((1, exo_width(CONFIG, WIDTHS)))
    present = Forecast(
        np.array([0.3]), np.array([1.5]), np.array([100.0]), np.array([TOP]), np.zeros((1, HINTS))
    )
    finer, same, coarser = (
        networks.dynamics(params, state, np.array([CONFIG.actions.index(x)]), exo, present)
        for x in (-11, 0, 11)
    )
    assert float(same.log_bits[0]) == pytest.approx(0.3) and float(same.log_sse[0]) == pytest.approx(1.5)
    moved = BITS_PER_OCTAVE * np.log(2.0) * (STEPS[100] - STEPS[89])
    assert float(finer.log_bits[0]) == pytest.approx(0.3 + moved, rel=1e-4)
    assert finer.log_sse[0] < same.log_sse[0] < coarser.log_sse[0]
