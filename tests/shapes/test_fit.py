"""The fit of a policy of shapes: the same numbers everywhere, and it prefers what the scans say is best."""

import jax
import numpy as np
import pytest
from support.shape_samples import FEATURES, made_sequences

from encoder_bridge import _native
from muzero_rc.deploy.policy_file import read_metadata
from muzero_rc.shapes import fit
from muzero_rc.shapes.credits import Sequences

NAMES = [name for name, _ in _native.feature_tables()["shape"]]


@pytest.fixture
def exact():
    """Double precision, so that machines agree."""
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


def test_the_numbers_of_a_fit(exact):
    """Change them only together with the policy that ships: they are what it was fitted with."""
    data = made_sequences(Sequences)
    mean, scale = data.features.mean(0), 1.0 / (data.features.std(0) + 1e-6)
    params = fit.fit(data, mean, scale, seed=0)
    scaled = (data.features[:4] - mean) * scale
    assert np.asarray(fit.network(params, scaled)) == pytest.approx(
        [3.193132337281861, 0.4778960479772305, 0.41429012405284804, -2.153221400256917], abs=1e-6
    )
    assert params["tail"] == pytest.approx(0.021305438792172244, abs=1e-6)
    doubted = fit.with_doubt(fit.joined([params]), mean, scale)
    assert np.asarray(fit.network(doubted, np.clip(scaled, -fit.LIMIT, fit.LIMIT))) == pytest.approx(
        [1.2654944892531297, 0.13578903881658877, -0.02642998860008554, -1.4742809343453556], abs=1e-6
    )


def test_joined_networks_say_their_mean():
    rng = np.random.default_rng(3)
    some = [fit.initial(seed, FEATURES) for seed in range(3)]
    some = [
        one | {"out.w": rng.normal(size=(fit.SHIPPED.width, 1)), "tail": seed}
        for seed, one in enumerate(some)
    ]
    x = rng.normal(size=(5, FEATURES)).astype(np.float32)
    mean = np.mean([fit.network(one, x) for one in some], 0)
    np.testing.assert_allclose(fit.network(fit.joined(some), x), mean, rtol=1e-4, atol=1e-5)
    assert fit.joined(some)["tail"] == 1.0


def test_the_file_says_how_strange_clips_may_be(tmp_path):
    """Nine of ten groups of what was learned from are no stranger."""
    data = made_sequences(Sequences, clips=10)
    data.features[data.group[data.of] < 5, 3] *= 10.0
    mean, scale = fit.norm_of(data)
    strange = (np.abs((data.features - mean) * scale) > fit.LIMIT).any(1)
    shares = [strange[data.group[data.of] == g].mean() for g in range(10)]
    most = fit.strange_most(data, mean, scale)
    assert 0.0 < most <= max(shares)
    assert sum(share <= most for share in shares) == 9
    assert fit.strange_most(data, mean, scale, familiar=0.5) == pytest.approx(np.median(shares))
    few = fit.FitSettings(networks=1, steps=1)
    for careful in (False, True):
        fit.write_shapes(tmp_path / f"{careful}.safetensors", data, {}, few, careful)
    assert read_metadata(tmp_path / "True.safetensors")["shapes"]["strange"] == round(1000 * most)
    assert "strange" not in read_metadata(tmp_path / "False.safetensors")["shapes"]
