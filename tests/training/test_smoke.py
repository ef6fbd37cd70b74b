"""The smoke run: its clips, its figures, and that it learns."""

import pytest
from support.learn_samples import episode

from encoder_bridge.media.probe import probe
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.experience.episode_log import read_log
from muzero_rc.reward.outcome import Outcome
from muzero_rc.training.smoke import make_clips, measured, smoke_config, win_rates
from muzero_rc.training.train import train


def ended(gain, overshoot=0.0, *, greedy=True):
    return episode(greedy=greedy, outcome=Outcome(0.0, overshoot, gain=gain))


def test_win_rates_count_noise_free_episodes_against_the_controller():
    quarters = [
        *(ended(-1.0), ended(9.0, greedy=False)),
        *(ended(0.5), ended(-0.5)),
        *(ended(2.0, 0.1), ended(0.05)),  # over its target: lost; next to nothing: a draw
        *(ended(1.0), ended(2.0)),
    ]
    assert win_rates(quarters) == [(0.0, -1.0, 1), (0.5, 0.0, 2), (0.25, 1.025, 2), (1.0, 1.5, 2)]
    assert win_rates([]) == []


def test_the_clips_can_be_made_anywhere(tmp_path):
    make_clips(tmp_path)
    clips = [probe(path) for path in sorted(tmp_path.iterdir())]
    assert {(clip.width, clip.height) for clip in clips} == {(128, 96)} and len(clips) == 3


@pytest.mark.slow
def test_it_learns_to_win_against_the_first_opponent(tmp_path):
    """By more than chance, on the real encoder."""
    make_clips(tmp_path / "clips")
    config = smoke_config(hours=1.0, episodes=640)
    where = {"engine": libvpx_engine(), "cache": tmp_path / "cache", "report": lambda _: None}
    train(config, tmp_path / "clips", tmp_path / "run", **where)
    (first, *_), *_, (last, *_) = win_rates(measured(read_log(tmp_path / "run" / "episodes")))
    assert last > first + 0.25
