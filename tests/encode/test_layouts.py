import re

import numpy as np
import pytest

from encoder_bridge import _native
from encoder_bridge.encode.config import CBR, CONSTRAINED_QUALITY, QUALITY, VBR, EncoderConfig
from encoder_bridge.encode.layouts import EVENT, FRAME_TYPES, LAYERS, RECORD, SHOWN, as_records
from encoder_bridge.errors import BadInput
from encoder_bridge.media.bitrate import bitrate_kbps
from encoder_bridge.media.psnr import psnr_db


def test_dtypes_have_every_field_of_the_contract():
    assert {"slot", "kind", "frame_type", "show_index", "layer", "q_ref", "step"} <= set(EVENT.names)
    assert {"frame_type", "q_ref", "asked", "qindex", "fallback", "sse", "bits"} <= set(RECORD.names)
    assert {"pts", "bytes", "key", "sse_y", "sse_u", "sse_v"} <= set(SHOWN.names)
    assert EVENT["step"].shape == (len(_native.feature_tables()["step"]),)


def test_names_of_frame_types_and_layers_are_the_extensions_in_the_order_of_its_enums():
    assert FRAME_TYPES == ("key", "inter", "altref", "overlay", "golden")
    assert LAYERS == ("key", "top", "second", "third", "fourth", "leaf", "overlay")
    steps = {name for name, _ in _native.feature_tables()["step"]}
    assert {f"is_{name}" for name in FRAME_TYPES} <= steps
    assert {f"{name}_last_bits" for name in LAYERS} <= steps


def test_records_do_not_share_memory_with_their_bytes():
    data = np.zeros(3, RECORD).tobytes()
    records = as_records(data)
    records["bits"] = 7
    assert len(records) == 3 and not as_records(data)["bits"].any()


def test_records_of_logs_from_before_are_read_as_they_were_written():
    """They had pixels of 64 bits, whose upper half says now when the error was told: with its result."""
    fields = {name: RECORD.fields[name] for name in RECORD.names if name not in ("pixels", "sse_after")}
    fields["pixels"] = (np.dtype("i8"), RECORD.fields["pixels"][1])
    old = np.dtype(
        {
            "names": list(fields),
            "formats": [form for form, _ in fields.values()],
            "offsets": [offset for _, offset in fields.values()],
            "itemsize": RECORD.itemsize,
        }
    )
    written = np.zeros(2, old)
    written["pixels"], written["bits"], written["sse"] = 1920 * 1080 * 3 // 2, 7, -1
    read = as_records(written.tobytes())
    assert not read["sse_after"].any()
    assert all((read[name] == written[name]).all() for name in fields)


def test_settings_are_the_extensions_with_its_defaults():
    assert EncoderConfig().as_native() == dict(_native.config_fields())
    assert (VBR, CBR, CONSTRAINED_QUALITY, QUALITY) == (0, 1, 2, 3)


def test_settings_keys_tell_settings_apart_but_the_first_pass_forgets_the_target():
    config = EncoderConfig(width=64, height=48)
    other = config.replace(target_kbps=100)
    assert config.settings_key() != other.settings_key()
    assert config.first_pass_key() == other.first_pass_key()
    assert config.first_pass_key() != config.replace(lag_in_frames=10).first_pass_key()


@pytest.mark.parametrize(
    ("field", "value"), [("target_kbps", 0), ("cpu_used", 12), ("auto_alt_ref", 7), ("threads", 99)]
)
def test_settings_out_of_range_are_refused_with_their_value(field, value):
    with pytest.raises(BadInput, match=re.escape(f"{field} {value} is out of range")):
        EncoderConfig(**{field: value})


def test_bitrate_and_psnr():
    assert bitrate_kbps(31_250, 50, EncoderConfig(timebase_den=25).fps) == 125.0
    values = psnr_db([0, 100 * 255**2, -1], 100)
    assert values[0] == 60.0 and values[1] == 0.0 and np.isnan(values[2])
