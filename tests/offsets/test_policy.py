"""Policy files of moves, alone and with GOP shapes."""

import json

import numpy as np
import pytest

from encoder_bridge import _native
from encoder_bridge.encode.config import EncoderConfig
from encoder_bridge.encode.first_pass import clip_first_pass
from encoder_bridge.encode.run import encode
from encoder_bridge.media.decode import open_clip, open_frames
from muzero_rc.deploy.policy_file import describe, read_metadata
from muzero_rc.deploy.policy_names import CONTROLLER, resolve
from muzero_rc.offsets.policy import shape_tensors, write_moves

VERSION = _native.versions()["feature_version"]
CONFIG = EncoderConfig(target_kbps=80, cpu_used=5, auto_alt_ref=6)


@pytest.fixture(scope="module")
def encoded(footage, tmp_path_factory):
    """Encodes a clip by a policy."""
    folder = tmp_path_factory.mktemp("moves")
    source = footage("moves.mkv", "size=128x96:rate=30", 40)
    with open_clip(source) as clip:
        config = CONFIG.for_video(clip.width, clip.height, clip.fps)
        first = clip_first_pass(clip, config, folder=folder)

        def run(policy):
            with open_frames(clip) as pipe:
                return encode(pipe, first, config, policy=_native.Policy(str(policy)))

        yield run


def qindexes(result):
    return result.records["qindex"].tolist()


def test_moves_of_nothing_are_the_controller(encoded, tmp_path):
    path = tmp_path / "still.safetensors"
    write_moves(path, {"key": 0.0, "top": 0.0}, VERSION, {})
    assert qindexes(encoded(path)) == qindexes(encoded(CONTROLLER))


def test_a_moved_key_frame_is_coarser_and_the_target_is_kept(encoded, tmp_path):
    path = tmp_path / "key.safetensors"
    write_moves(path, {"key": 0.8}, VERSION, {})
    moved, plain = encoded(path), encoded(CONTROLLER)
    assert qindexes(moved)[0] > qindexes(plain)[0]
    assert moved.kbps <= 1.01 * CONFIG.target_kbps


def test_shapes_stay_what_they_are(encoded, tmp_path):
    shapes = resolve("shapes").path
    path = tmp_path / "both.safetensors"
    write_moves(path, {"key": 0.0}, VERSION, {"by": "a test"}, shapes)
    assert _native.Policy(str(path)).info["kind"] == "shapes"
    assert read_metadata(path)["shapes"] == read_metadata(shapes)["shapes"]
    assert {name: value.tobytes() for name, value in shape_tensors(path).items()} == {
        name: value.tobytes() for name, value in shape_tensors(shapes).items()
    }
    assert qindexes(encoded(path)) == qindexes(encoded(shapes))
    assert describe(path)["provenance"]["shapes"] == describe(shapes)["provenance"]


def test_what_a_file_of_moves_says_of_itself(tmp_path):
    path = tmp_path / "moves.safetensors"
    write_moves(path, {"gop_still": 0.25, "deeper": -0.125}, VERSION, {"metric": "vmaf"})
    info = _native.Policy(str(path)).info
    assert info["kind"] == "controller" and info["parameters"] == 2
    assert info["moves"] == {"offsets.deeper": -0.125, "offsets.gop_still": 0.25}
    assert describe(path)["provenance"] == {"metric": "vmaf"}


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"offsets.keys": [0.1]}, "tensor offsets.keys: the controller has no such constant"),
        ({"offsets.key": [0.1, 0.2]}, "tensor offsets.key must be one number from -16 to 16"),
        ({"offsets.key": [99.0]}, "tensor offsets.key must be one number from -16 to 16"),
        ({"offsets.key": [0.1], "else": [1.0]}, "tensor else: moves of the controller's constants go with"),
    ],
)
def test_other_tensors_are_refused(tmp_path, tensors, said):
    from muzero_rc.deploy.policy_file import write_policy_file

    path = tmp_path / "wrong.safetensors"
    arrays = {name: np.array(values, np.float32) for name, values in tensors.items()}
    write_policy_file(path, arrays, {"feature_version": VERSION}, {})
    with pytest.raises(_native.NativeError, match=said):
        _native.Policy(str(path))
    assert json.dumps(read_metadata(path))
