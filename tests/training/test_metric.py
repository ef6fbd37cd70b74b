"""`reward.metric`: everything that learning compares is in the objective, not in PSNR."""

import pytest
from support.learn_samples import toy_config, toy_corpus

from muzero_rc.config.ranges import ConfigError
from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import override
from muzero_rc.corpus.clips import find_clips
from muzero_rc.demonstrations.registry import demonstrations
from muzero_rc.encoding.clip_store import ClipStore
from muzero_rc.encoding.engine import libvpx_engine
from muzero_rc.experience.episode import from_bytes, to_bytes


@pytest.fixture
def made(tmp_path):
    """Anchor and demonstrations of one clip by a metric, everything in one cache."""
    toy_corpus(tmp_path / "corpus", 1)

    def run(metric):
        sweep = ("demonstrations.swept=1", "demonstrations.sweep_targets=1")
        config = toy_config(f"reward.metric={metric}", *sweep)
        with ClipStore(libvpx_engine(), config, tmp_path / "cache") as store:
            (instance,) = store.prepared_corpus(find_clips(tmp_path / "corpus"))
            episodes = list(demonstrations(store, [instance], tmp_path / "demonstrations"))
            assert store.failures == {}
            return store.anchor(instance), episodes

    return run


def test_anchors_and_gains_are_in_the_metric(made):
    by_psnr, by_ssim = made("psnr"), made("ssim")
    for (anchor, episodes), other in ((by_psnr, by_ssim), (by_ssim, by_psnr)):
        assert len(episodes) == 4
        assert anchor.rates_kbps == other[0].rates_kbps  # the same encodes
        assert anchor.psnr_y_db != other[0].psnr_y_db
        for one in episodes:
            gain_db = one.quality_db - anchor.psnr_at(one.target_kbps)
            assert one.outcome.gain_db == pytest.approx(gain_db)
    assert all(one.measured is None and one.quality_db == one.psnr_y_db for one in by_psnr[1])
    assert all(one.quality_db == one.measured != one.psnr_y_db for one in by_ssim[1])
    again = from_bytes(to_bytes(by_ssim[1][0]))
    assert again.measured == by_ssim[1][0].measured


def test_a_metric_that_is_none_is_refused():
    with pytest.raises(ConfigError, match=r"reward.metric = 'mse': must be psnr, ssim, vmaf or vmaf-neg"):
        override(Config(), ["reward.metric=mse"])
