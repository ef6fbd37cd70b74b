"""Policy files: written whole, read by others' tools, refused when they are not right."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.failing_writes import run_with_faults
from support.policy_samples import feature_version, network, widths

from encoder_bridge import _native
from muzero_rc.config.schema import NetworkConfig
from muzero_rc.deploy.policy_export import export_policy, network_sizes, warm_start
from muzero_rc.deploy.policy_file import PolicyFileError, describe, read_metadata
from muzero_rc.deploy.policy_names import shipped

TINY = NetworkConfig(width=8, latents=2, attention_heads=2, encoder_layers=1, step_blocks=1)
PROVENANCE = {
    "steps": 3,
    "note": 'ä "quoted" \\ line\n',
    "text": "3",
    "quoted": '"3"',
    "null": "null",
    "figures": {"bd_vbr": -5.5, "deep": [[{"a": None, "b": [True, 1e-300]}]]},
    "with.dot": "",
}


def write(path, params, config=TINY, **changes):
    given_ = {"widths": widths(), "feature_version": feature_version(), "provenance": PROVENANCE}
    export_policy(path, params, config, **{**given_, **changes})
    return path


@pytest.fixture(scope="module")
def params():
    return network(TINY)[1]


@pytest.fixture(scope="module")
def policy_file(params, tmp_path_factory):
    return write(tmp_path_factory.mktemp("policy") / "tiny.safetensors", params)


def test_other_tools_read_it(policy_file, params):
    tensors = safetensors.numpy.load_file(policy_file)
    assert np.array_equal(tensors["clip_0_conv.w"], params["clip_0_conv"]["w"])
    assert not [name for name in tensors if name.startswith(("dynamics", "gain", "rate", "log_"))]


def test_the_c_runtime_says_what_it_is(policy_file):
    info = _native.Policy(str(policy_file)).info
    assert info["kind"] == "network"
    assert info["network"] == network_sizes(TINY, widths())
    assert tuple(info["actions"]) == TINY.offsets
    assert info["bytes"] == policy_file.stat().st_size
    tensors = safetensors.numpy.load_file(policy_file)
    assert info["parameters"] == sum(array.size for array in tensors.values())


def test_same_parameters_give_the_same_bytes(policy_file, params, tmp_path):
    assert write(tmp_path / "again.safetensors", params).read_bytes() == policy_file.read_bytes()


def test_another_feature_table_is_refused_with_both_numbers(params, tmp_path):
    path = write(tmp_path / "old.safetensors", params, feature_version=4711)
    with pytest.raises(_native.NativeError, match=f"4711.*{feature_version()}"):
        _native.Policy(str(path))
    with pytest.raises(PolicyFileError, match="feature_version is 4711"):
        warm_start(params, path, TINY, widths(), feature_version())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_broken_parameters_are_not_exported(params, value, tmp_path):
    broken = {**params, "step_out": {"w": np.full((16, 8), value), "b": np.zeros(8)}}
    with pytest.raises(PolicyFileError, match=r"step_out\.w"):
        write(tmp_path / "broken.safetensors", broken)
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_of_a_write_that_fails(params, tmp_path):
    with pytest.raises(TypeError):
        write(tmp_path / "x.safetensors", params, provenance={"not json": object()})
    with pytest.raises(OSError, match="missing"):
        write(tmp_path / "missing" / "x.safetensors", params)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", ["relative", "absolute"])
def test_warm_start_gives_back_what_was_exported(mode, tmp_path):
    config = NetworkConfig(**{**vars(TINY), "action_mode": mode})
    params = network(config)[1]
    path = write(tmp_path / "policy.safetensors", params, config)
    fresh = network(config, seed=9)[1]
    started = warm_start(fresh, path, config, widths(), feature_version())
    for module, parameters in started.items():
        deployed = module.startswith(("clip_", "step_", "policy_"))
        expected = params[module] if deployed else fresh[module]
        for name, array in parameters.items():
            np.testing.assert_allclose(array, expected[name], rtol=1e-4, atol=1e-5)


def test_warm_start_refuses_another_network(policy_file, params):
    wider = NetworkConfig(**{**vars(TINY), "width": 16})
    with pytest.raises(PolicyFileError, match="its network is"):
        warm_start(params, policy_file, wider, widths(), feature_version())


def test_reading_what_is_no_policy_file(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(FileNotFoundError):
        read_metadata(path)
    path.write_bytes(b"nonsense" * 10)
    with pytest.raises(PolicyFileError, match="not a policy file"):
        read_metadata(path)
    safetensors.numpy.save_file({"a": np.zeros(3, np.float32)}, path)
    with pytest.raises(PolicyFileError, match="not a policy file"):
        read_metadata(path)


def test_metadata_comes_back(policy_file):
    metadata = read_metadata(policy_file)
    assert metadata == {
        "format_version": 2,
        "feature_version": feature_version(),
        "network": network_sizes(TINY, widths()),
        "actions": list(TINY.actions),
        "action_mode": "relative",
        "decision": "argmax",
        "provenance": PROVENANCE,
    }
    sha256 = hashlib.sha256(policy_file.read_bytes()).hexdigest()
    assert describe(policy_file) == {"format_version": 2, "sha256": sha256, "provenance": PROVENANCE}


def test_metadata_is_flat_texts(policy_file):
    with safetensors.safe_open(policy_file, framework="numpy") as file:
        texts = file.metadata()
    assert texts["network.width"] == "8"
    assert texts["network.windows"] == " ".join(map(str, network_sizes(TINY, widths())["windows"]))
    assert texts["provenance.steps"] == "3"
    assert texts["provenance.note"] == PROVENANCE["note"]


def as_format_1(path, target):
    """The same policy as files of format version 1 have it."""
    metadata, tensors = read_metadata(path), safetensors.numpy.load_file(path)
    nested = {key: json.dumps(metadata[key]) for key in ("network", "actions", "provenance")}
    texts = {key: str(metadata[key]) for key in ("feature_version", "action_mode", "decision")}
    safetensors.numpy.save_file(
        tensors, target, {"format": "muzero-rc-policy", "format_version": "1", **texts, **nested}
    )
    return target


def test_files_of_format_1_are_the_same_policies(policy_file, params, tmp_path):
    old = as_format_1(policy_file, tmp_path / "old.safetensors")
    ours, theirs = read_metadata(policy_file), read_metadata(old)
    assert (ours.pop("format_version"), theirs.pop("format_version")) == (2, 1)
    assert ours == theirs
    a, b = (_native.Policy(str(path)).info for path in (policy_file, old))
    assert {key: value for key, value in a.items() if key not in ("name", "bytes")} == {
        key: value for key, value in b.items() if key not in ("name", "bytes")
    }
    warm_start(params, old, TINY, widths(), feature_version())


@pytest.mark.parametrize("name", shipped())
def test_what_ships_is_read_by_both(name):
    path = shipped()[name]
    metadata, info = read_metadata(path), _native.Policy(str(path)).info
    runs = () if "shapes" in metadata else ("network", "actions", "action_mode", "decision")
    for key in ("feature_version", *runs):
        assert metadata[key] == info[key]
    assert info["kind"] == ("shapes" if "shapes" in metadata else "network")
    assert metadata["provenance"]["corpus_hash"]


def opens(path, content):
    """Whether the C runtime takes these bytes; it must say why not in one line."""
    path.write_bytes(content)
    try:
        _native.Policy(str(path))
    except _native.NativeError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
        return False
    return True


per_example_is_fine = settings(
    max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@per_example_is_fine
@given(data=st.data())
def test_truncated_files_are_refused(policy_file, tmp_path, data):
    content = policy_file.read_bytes()
    size = data.draw(st.integers(0, len(content) - 1))
    assert not opens(tmp_path / "cut.safetensors", content[:size])


@per_example_is_fine
@given(data=st.data())
def test_flipped_header_bits_never_crash(policy_file, tmp_path, data):
    content = bytearray(policy_file.read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    bit = data.draw(st.integers(0, 8 * header - 1))
    content[bit // 8] ^= 1 << bit % 8
    taken = opens(tmp_path / "flipped.safetensors", bytes(content))
    assert not (taken and bit < 64)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("dtype", b'"dtype":"F32"', b'"dtype":"I32"'),
        ("an unknown tensor", b'"step_out.b"', b'"step_out.c"'),
        ("a duplicate", b'"step_out.w"', b'"step_out.b"'),
        ("the format", b"muzero-rc-policy", b"muzero-rc-polity"),
        ("the action mode", b"relative", b"sideways"),
    ],
)
def test_faults_in_the_header_are_refused(name, old, new, policy_file, tmp_path):
    content = policy_file.read_bytes()
    assert old in content, name
    assert not opens(tmp_path / "faulty.safetensors", content.replace(old, new, 1))


def test_nan_weights_are_refused(policy_file, tmp_path):
    content = policy_file.read_bytes()
    faulty = content[:-4] + np.float32(np.nan).tobytes()
    path = tmp_path / "nan.safetensors"
    path.write_bytes(faulty)
    with pytest.raises(_native.NativeError, match="NaN or infinite"):
        _native.Policy(str(path))


def test_provenance_must_be_json(params, tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write(tmp_path / "x.safetensors", params, provenance={"x": float("nan")})


def test_provenance_has_plain_names(params, tmp_path):
    with pytest.raises(PolicyFileError, match="provenance 'é': names are of ASCII"):
        write(tmp_path / "x.safetensors", params, provenance={"é": 1})
    assert not list(tmp_path.iterdir())


def test_controller_has_no_network():
    policy = _native.Policy("controller")
    assert policy.info["kind"] == "controller"
    with pytest.raises(ValueError, match="no network"):
        policy.forward(*[np.zeros(1, np.float32)] * 5)


def test_forward_checks_its_buffers(policy_file):
    sizes = widths()
    policy = _native.Policy(str(policy_file))
    steps, index = np.zeros((2, sizes.step), np.float32), np.zeros(2, np.int32)
    clip, frames = np.zeros(sizes.clip, np.float32), np.zeros((3, sizes.frame), np.float32)
    out = np.zeros((2, len(TINY.actions)), np.float32)
    policy.forward(clip, frames, steps, index, out)
    for wrong in (
        (clip[1:], frames, steps, index, out),
        (clip, frames[:, 1:].copy(), steps, index, out),
        (clip, frames, steps[1:], index, out),
        (clip, frames, steps, index[1:], out),
        (clip, frames, steps, index, out[1:]),
        (clip, frames, steps, index.astype(np.int64), out),
    ):
        with pytest.raises(ValueError, match=r"forward|int32"):
            policy.forward(*wrong)


def test_reading_a_policy_file_needs_neither_jax_nor_safetensors(policy_file):
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from muzero_rc.deploy import policy_file, policy_names, preload\n"
        "policy_file.describe(Path(sys.argv[1]))\n"
        "print(*sorted({'jax', 'safetensors'} & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", code, policy_file]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "\n"


@pytest.mark.parametrize("full", [False, True])
def test_whichever_write_of_an_export_fails_the_old_file_stays(full, policy_file, tmp_path):
    run_with_faults(
        f"""
        from pathlib import Path
        import numpy as np
        from support.failing_writes import faults
        from muzero_rc.deploy.policy_file import read_metadata, write_policy_file
        path, known = Path({str(tmp_path / "policy.safetensors")!r}), Path({str(policy_file)!r})
        old, metadata = known.read_bytes(), read_metadata(known)
        kept = 0
        for n in faults(full={full}):
            path.write_bytes(old) if n > 1 else None  # nothing there before the first
            try:
                write_policy_file(path, {{"a": np.ones(9, np.float32)}}, metadata, {{}})
            except OSError:
                assert [one.name for one in path.parent.iterdir()] == [path.name] * (n > 1), n
                assert n == 1 or path.read_bytes() == old, n
                kept += 1
        assert kept >= 3, kept  # write, fsync, rename
        assert read_metadata(path)["provenance"] == {{}}
        """,
        tmp_path,
    )
