"""Configuration: what TOML and --set may say, and what is refused in one line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muzero_rc.config.ranges import ConfigError
from muzero_rc.config.schema import Config
from muzero_rc.config.toml_io import dump_config, load_config, override, parse_config

CONFIGS = sorted((Path(__file__).resolve().parents[2] / "configs").glob("*.toml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_configs_load_and_survive_a_dump(path, tmp_path):
    config = load_config(path, ["network.decision=mean", "learner.learning_rate=1"])
    assert config.network.decision == "mean"
    assert config.learner.learning_rate == 1.0
    dumped = tmp_path / "whole.toml"
    dumped.write_text(dump_config(config), encoding="utf-8")
    assert load_config(dumped) == config


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("network.widht=3", "network.widht: unknown key; did you mean network.width?"),
        ("nonsense=1", "nonsense: unknown key"),
        (
            "demonstrations.scanned=1",
            "demonstrations.scanned: unknown key; did you mean demonstrations.swept?",
        ),
        ("no.such=1", "no.such: unknown key"),
        ("seed.deeper=1", "seed.deeper: unknown key"),
        ("network.width=3.5", "network.width = 3.5: must be a whole number"),
        ("network.width=true", "network.width = True: must be a whole number"),
        ("network.width=many", "network.width = 'many': must be a whole number"),
        ("network.width=7", "network.width = 7: must be 8 to 512"),
        ("network.attention_heads=7", "network.attention_heads = 7: must be a divisor of width"),
        ("network.windows=3", "network.windows = 3: must be a list"),
        ("network.windows=[1, 'x']", "network.windows = 'x': must be a whole number"),
        ("network.offsets=[1, 1]", "network.offsets = (1, 1): must be"),
        ("network=3", "network = 3: must be a table of keys"),
        ("reward.rule=best", "reward.rule = 'best': must be one of 'self-competition', 'paper', 'fixed'"),
        ("learner.learning_rate=nan", "learner.learning_rate = nan: must be positive"),
        ("encode.guard=1", "encode.guard = 1: must be true or false"),
        ("seed", "--set seed: write it as section.key=value"),
    ],
)
def test_mistakes_are_named_in_one_line(assignment, message):
    with pytest.raises(ConfigError) as caught:
        override(Config(), [assignment])
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_later_assignments_win_and_the_original_stays():
    config = Config()
    changed = override(config, ["seed=3", "network.offsets=[-2, 0, 5]", "seed = 4"])
    assert (changed.seed, changed.network.offsets) == (4, (-2, 0, 5))
    assert config == Config()


@pytest.mark.parametrize("content", ["seed = ", "\x00", "seed = 1\nseed = 2"])
def test_broken_toml_is_an_error_with_the_file_name(content, tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"broken\.toml: not TOML"):
        load_config(path)


def test_wrong_values_in_a_file_are_errors_with_the_file_name(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text("[network]\nwidth = 'wide'\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"wrong\.toml: network\.width = 'wide': must be a whole number"):
        load_config(path)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_assignment_gives_a_config_or_a_config_error(key, value):
    try:
        assert isinstance(override(Config(), [f"{key}={value}"]), Config)
    except ConfigError as error:
        assert str(error)


def test_a_section_of_older_configs_is_told_its_new_name():
    with pytest.raises(ConfigError, match=r"teacher: unknown key; did you mean demonstrations\?"):
        parse_config("[teacher]\ncq_levels = []\n")
