"""rc-train offsets, the whole command, on the fake encoder."""

import pytest
from support.learn_samples import fake_engine, toy_corpus

from encoder_bridge import _native
from muzero_rc.cli.train import main
from muzero_rc.deploy.policy_file import read_metadata
from muzero_rc.offsets.scan import read_designs


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A corpus, and the fake in libvpx's place."""
    toy_corpus(tmp_path / "corpus", 2)
    monkeypatch.setattr("muzero_rc.encoding.engine.libvpx_engine", fake_engine)
    return tmp_path


def command(place, *words):
    quick = ("--rounds", "2", "--encodes", "6", "--jobs", "1", "--set", "encode.auto_alt_ref=0")
    quick += ("--set", "encode.lag_in_frames=0")
    return ["offsets", str(place / "corpus"), "-o", str(place / "x.safetensors"), *quick, *words]


def test_one_command_from_clips_to_a_policy(place, capsys):
    assert main(command(place)) == 0
    out, err = capsys.readouterr()
    assert out == f"{place / 'x.safetensors'}\n"
    assert "round 2: 6 of 6 encodes" in err and "12 encodes" in err and "key_importance" in err
    rows = list(read_designs(place / "x.run" / "scans.jsonl"))
    assert sorted((row["round"], row["number"]) for row in rows) == [(r, n) for r in (1, 2) for n in range(6)]
    said = read_metadata(place / "x.safetensors")["provenance"]
    assert (said["by"], said["encodes"], said["metric"]) == ("rc-train offsets", 12, "psnr")
    info = _native.Policy(str(place / "x.safetensors")).info
    assert 1 <= len(info["moves"]) == info["parameters"] <= 23


def test_it_goes_on_where_it_was_killed(place, capsys):
    assert main(command(place)) == 0
    whole = (place / "x.safetensors").read_bytes()
    scans = place / "x.run" / "scans.jsonl"
    lines = scans.read_bytes().split(b"\n")
    scans.write_bytes(b"\n".join([*lines[:7], lines[7][:20]]))  # a kill in the eighth row
    assert main(command(place)) == 0
    assert len(list(read_designs(scans))) == 12
    assert (place / "x.safetensors").read_bytes() == whole
    assert main(command(place, "--set", "encode.cpu_used=2")) == 2
    assert "was scanned with encode.cpu_used" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--encodes", "5"), "--encodes 5: use an even number, at least 2"),
        (("--rounds", "0"), "--rounds 0: at least 1 is needed"),
        (("--jobs", "0"), "--jobs 0: at least 1 is needed"),
        (("--metric", "mse"), "reward.metric = 'mse': must be psnr, ssim, vmaf or vmaf-neg"),
        (("--shapes", "controller"), "--shapes controller: it decides no GOP shapes"),
        (("--shapes", "nothing"), "unknown policy 'nothing'"),
        (("-o", "missing/x.safetensors"), "the folder missing does not exist"),
    ],
)
def test_wrong_use(place, capsys, words, said):
    assert main(command(place, *words)) == 2
    assert said in capsys.readouterr().err
    assert not (place / "x.safetensors").exists()
