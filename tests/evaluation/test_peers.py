"""libvpx tuned for each title, and its corpus VBR: what they ask for. Encodes here are made up."""

from dataclasses import replace

import numpy as np
import pytest
from support.report_samples import measured_encode

from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import first_pass
from encoder_bridge.encode.run import encode
from encoder_bridge.env.clips import EnvClip, synthetic_clip
from muzero_rc.evaluation.peers import (
    CORPUS_COMPLEXITY,
    GRID,
    best_of_grid,
    corpus_bitrates,
    corpus_configs,
    per_title,
)
from muzero_rc.evaluation.results import MeasuredEncode

TARGETS = (100, 200, 400, 800)
SETTINGS = EncoderConfig(cpu_used=4)


def point_of(config: EncoderConfig) -> int:
    return next(i for i, one in enumerate(GRID) if config == config.replace(**one))


class Vbr:
    """Misses every target by 10 %; the settings of one point of the grid need fewer bits than others'."""

    def __init__(self, best: int, saves: float = 0.1) -> None:
        self.best = best
        self.saves = saves
        self.asked: list[tuple[EncoderConfig, bool]] = []

    def __call__(self, config: EncoderConfig, *, whole: bool) -> tuple[str, MeasuredEncode]:
        self.asked.append((config, whole))
        kbps = 1.1 * config.target_kbps
        saved = self.saves if point_of(config) == self.best else 0
        psnr = 30 + 5 * (kbps / (1 - saved) / 100 - 1) ** 0.5
        made = measured_encode("clip", "peer", 0, kbps=kbps, encode_s=2.0, target_kbps=None)
        return str(len(self.asked)), replace(made, metrics={**made.metrics, "psnr_y_db": psnr})


@pytest.mark.parametrize("best", range(len(GRID)))
def test_the_best_settings_are_found_and_every_target_is_met(best: int) -> None:
    vbr = Vbr(best)
    encodes = [made for _, made in per_title(TARGETS, SETTINGS, 10**6, vbr)]
    assert [made.target_kbps for made in encodes] == list(TARGETS)
    assert all(made.fill is not None and 0.98 <= made.fill <= 1 for made in encodes)
    whole = [config for config, is_whole in vbr.asked if is_whole]
    assert [point_of(config) for config in whole] == [best] * len(TARGETS)
    tries = {config for config, is_whole in vbr.asked if not is_whole}
    assert len(tries) == len(vbr.asked) - len(whole), "no try is made twice"
    assert sum(made.encode_s for made in encodes) == pytest.approx(2.0 * len(tries))


def test_libvpxs_defaults_stay_where_nothing_is_better() -> None:
    worse = Vbr(best=3, saves=-0.1)
    assert best_of_grid(TARGETS, SETTINGS, lambda config: worse(config, whole=False)[1]) == 0
    assert best_of_grid(TARGETS[:2], SETTINGS, lambda c: Vbr(3)(c, whole=False)[1]) == 0, "too few points"


def test_a_corpus_shares_one_bitrate_a_rung() -> None:
    bitrates = corpus_bitrates([[100, 200, 400], [400, 800]])
    assert bitrates == [200, 400, 400]
    assert corpus_bitrates([]) == []
    configs = corpus_configs(bitrates, SETTINGS, 300)
    assert [config.target_kbps for config in configs] == [200, 300]
    assert {config.corpus_complexity for config in configs} == {CORPUS_COMPLEXITY}


@pytest.fixture(scope="module")
def clip() -> EnvClip:
    """Forty-eight frames, so that there is more than one GOP; its first pass has no probe encodes."""
    short = synthetic_clip(EncoderConfig(quick=0, target_kbps=40))
    frames = np.concatenate([short.raw.frames] * 4)
    return replace(short, raw=replace(short.raw, frames=frames), first=first_pass(frames, short.config))


@pytest.mark.parametrize("change", [*GRID[1:], {"corpus_complexity": CORPUS_COMPLEXITY}])
def test_libvpx_takes_these_settings_and_the_first_pass_without_them(
    clip: EnvClip, change: dict[str, int]
) -> None:
    changed = clip.config.replace(**change)
    assert first_pass(clip.raw.frames, changed).blob == clip.first.blob
    plain, other = (
        encode(clip.raw.frames, clip.first, config, mode="libvpx", keep_packets=True)
        for config in (clip.config, changed)
    )
    assert plain.packets != other.packets
