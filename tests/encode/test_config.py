"""Encoder settings: one declaration, and all that is made from it."""

import argparse
from dataclasses import fields

import pytest

from encoder_bridge.encode.config import SETTINGS, EncoderConfig, Offered, offered
from encoder_bridge.errors import BadInput
from muzero_rc.cli.common import add_encoder_options, encoder_config
from muzero_rc.config.schema import Config, EncodeConfig, encoder_settings
from muzero_rc.config.toml_io import override

EVERYWHERE = offered(Offered.EVERYWHERE)


def other_value(name):
    """A value of a setting that is not its default."""
    setting = SETTINGS[name]
    return setting.low if setting.low != setting.default else setting.high


def parsed(*words, **defaults):
    parser = argparse.ArgumentParser()
    add_encoder_options(parser, **defaults)
    return parser.parse_args(words)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_has_a_default_in_its_range_and_refuses_what_is_outside(name):
    setting = SETTINGS[name]
    assert setting.low <= setting.default <= setting.high and setting.words
    for value in (setting.low - 1, setting.high + 1):
        with pytest.raises(BadInput, match=f"{name} {value} is out of range"):
            EncoderConfig(**{name: value})


@pytest.mark.parametrize("name", SETTINGS)
def test_a_changed_setting_changes_the_key_of_an_encode_and_of_what_depends_on_it(name):
    before, after = EncoderConfig(), EncoderConfig(**{name: other_value(name)})
    assert before.settings_key() != after.settings_key()
    assert (before.first_pass_key() != after.first_pass_key()) == SETTINGS[name].first_pass


@pytest.mark.parametrize("name", offered(Offered.OPTION))
def test_an_option_of_the_command_line_reaches_the_encoder(name):
    value = other_value(name)
    args = parsed(f"--{name.replace('_', '-')}={value}")
    assert encoder_config(args, target_kbps=99) == EncoderConfig(**{name: value}, target_kbps=99)


def test_a_command_has_defaults_of_its_own():
    assert encoder_config(parsed()).cpu_used == 2
    assert encoder_config(parsed(cpu_used=4)).cpu_used == 4


@pytest.mark.parametrize("name", offered(Offered.TRAINING))
def test_a_key_of_training_reaches_the_encoder(name):
    value = other_value(name)
    chosen = encoder_settings(override(Config(), [f"encode.{name}={value}"]).encode)
    assert chosen == {**encoder_settings(Config().encode), name: value}
    assert EncoderConfig(**chosen).replace(cpu_used=2) == EncoderConfig(**{name: value}).replace(cpu_used=2)


def test_training_has_its_own_default_and_the_guard():
    assert Config().encode.cpu_used == 4 and Config().encode.guard
    assert {one.name for one in fields(EncodeConfig)} == {*offered(Offered.TRAINING), "guard"}


def test_a_report_lists_what_was_chosen_and_not_what_is_left_to_libvpx():
    assert EncoderConfig(cpu_used=3).in_words() == {
        "cpu-used": "3",
        "auto-alt-ref": "6",
        "lag-in-frames": "25",
        "kf-max-dist": "128",
        "threads": "1",
    }


def test_the_settings_that_people_know_are_offered_everywhere():
    assert {"cpu_used", "auto_alt_ref", "kf_max_dist"} <= EVERYWHERE.keys()
