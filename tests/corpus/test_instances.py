"""Instances: clips first, then what is made of them."""

from pathlib import Path

import pytest

from muzero_rc.config.schema import DataConfig
from muzero_rc.corpus.instances import build_instances

CLIPS = [Path(f"{name}.mkv") for name in ("a", "b", "c", "d")]


def test_clips_come_first_and_names_are_unique():
    instances = build_instances(CLIPS, DataConfig(max_instances=20), seed=1)
    assert [one.name for one in instances[:4]] == ["a", "b", "c", "d"]
    assert len({one.name for one in instances}) == len(instances) == 20
    assert not any(one.augmented for one in instances[:4]) and all(one.augmented for one in instances[4:])
    assert instances == build_instances(CLIPS, DataConfig(max_instances=20), seed=1)


def test_an_augmented_clip_shares_its_clips_opponent():
    by_name = {one.name: one for one in build_instances(CLIPS, DataConfig(), seed=1)}
    assert by_name["a+mirror"].clip == "a"


@pytest.mark.parametrize(("augment", "limit", "expected"), [(False, 300, 4), (True, 2, 2), (True, 6, 6)])
def test_limits(augment, limit, expected):
    assert len(build_instances(CLIPS, DataConfig(augment=augment, max_instances=limit), seed=1)) == expected
