"""Policy snapshots of a run: the newest, its figures, and what counts as better."""

import jax
import pytest
from support.learn_samples import TINY, fake_engine, toy_config

from muzero_rc.agent.learner import make_learner
from muzero_rc.agent.networks import make_networks
from muzero_rc.training.policy_snapshots import best_figures, export_snapshot, is_better
from muzero_rc.training.run_dir import open_run

FIGURES = {"bd_vbr": -1.25, "over": 0.02, "fill": 0.99}


def test_the_newest_snapshot_is_latest_and_keeps_its_figures(tmp_path):
    config, engine = toy_config(*TINY), fake_engine()
    state = make_learner(config, make_networks(config.network, engine.widths)).init(jax.random.PRNGKey(0))
    with open_run(tmp_path / "run", config, {"corpus": "toys", "clips": 2}, resume=False) as run:
        first = export_snapshot(run, state, config, engine, {"bd_vbr": float("nan")})
        second = export_snapshot(run, state._replace(step=state.step + 7), config, engine, FIGURES)
        latest = run.policies / "latest.safetensors"
        assert [first.name, second.name] == ["step-0000000.safetensors", "step-0000007.safetensors"]
        assert latest.resolve() == second.resolve()
        assert best_figures(latest) == FIGURES
        assert best_figures(first) is None  # it was not validated
        assert best_figures(run.policies / "best.safetensors") is None


@pytest.mark.parametrize(
    ("bd_vbr", "over", "better"),
    [(-1.5, 0.02, True), (-1.0, 0.02, False), (-1.25, 0.01, True), (-1.5, 0.04, False), (-1.25, 0.02, False)],
)
def test_bd_rate_and_the_budget_kept_decide(bd_vbr, over, better):
    assert is_better({"bd_vbr": bd_vbr, "over": over}, FIGURES) == better


def test_anything_is_better_than_nothing():
    assert is_better(FIGURES, None)
    assert is_better(FIGURES, {"bd_vbr": float("nan"), "over": 0.0})
