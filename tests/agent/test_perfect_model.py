"""With a perfect model search beats the prior by a clear figure: the toy of perfect_model.py."""

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "experiments" / "perfect_model.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("perfect_model", SCRIPT)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_the_controller_alone_gains_nothing_and_the_best_plan_much(script):
    toy = script.Toy()
    assert float(toy.gain(toy.start())) == pytest.approx(0.0, abs=1e-4) and toy.best() > 20.0


@pytest.mark.parametrize("decision", ["mean", "argmax"])
def test_search_with_a_perfect_model_beats_the_prior(script, decision):
    """By more than a third of what the best plan gains, in what is played: the mean or the best action."""
    toy = script.Toy()
    assert script.play_toy(toy, 16, decision) > 0.35 * toy.best()
