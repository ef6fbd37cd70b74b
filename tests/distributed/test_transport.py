"""More than one process: weights one way, experience the other, whoever vanishes."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.learn_samples import TINY, episode, fake_engine, toy_config, toy_corpus

from muzero_rc.distributed.offline_actor import play_to_log
from muzero_rc.distributed.remote_actor import UnackedEpisodes
from muzero_rc.distributed.transport import LearnerClient, LearnerServer, WeightsMessage, pack, unpack
from muzero_rc.errors import RunError
from muzero_rc.experience.episode import PAIRED, SELFPLAY
from muzero_rc.experience.episode_log import EpisodeWriter, read_log
from muzero_rc.experience.opponents import Opponents
from muzero_rc.reward.outcome import Opponent
from muzero_rc.reward.rules import rule_of
from muzero_rc.training.train import train


def published(config, taken=()):
    params = {"a/b": {"w": np.arange(6.0).reshape(2, 3)}, "c": {"b": np.zeros(2)}}
    opponents = Opponents(rule_of(config.reward), {"clip": Opponent(0.5, 0.01, 3)})
    return WeightsMessage(params, 17, config, "c0ffee", opponents, frozenset(taken))


def free_port():
    with socket.socket() as one:
        one.bind(("localhost", 0))
        return one.getsockname()[1]


def test_what_actors_play_with_survives_the_wire():
    given = published(toy_config("reward.decay=0.8"), taken=("x/1", "x/2"))
    back = unpack(pack(given))
    assert (back.step, back.config, back.config_hash) == (17, given.config, "c0ffee")
    assert back.taken == given.taken and back.opponents == given.opponents
    for module, names in given.params.items():
        for name, array in names.items():
            np.testing.assert_array_equal(back.params[module][name], array)


class DeafClient:
    """Takes episodes as long as it is told to."""

    def __init__(self):
        self.sent, self.up = [], True

    def send(self, one):
        self.sent.append(one.uid)
        return self.up


def test_what_is_not_acknowledged_is_sent_again(tmp_path):
    with EpisodeWriter(tmp_path) as writer:
        for i in range(2):  # of an earlier life
            writer.append(episode(f"me/{i}", parent="me", index=i))
    unacked, client, config = UnackedEpisodes(tmp_path, "me"), DeafClient(), toy_config()
    assert (unacked.episodes, unacked.next_number, unacked.waiting) == (2, 2, 2)
    unacked.send_again(client, published(config))
    assert sorted(client.sent) == ["me/0", "me/1"]
    unacked.add(episode("me/2", parent="me", index=2))
    unacked.send_again(client, published(config, taken=("me/0",)))
    assert sorted(client.sent) == ["me/0", "me/1"] and unacked.waiting == 2  # not yet: it is on its way
    for _ in range(4):
        unacked.send_again(client, published(config, taken=("me/1",)))
    assert client.sent[2:] == ["me/2"]


def test_a_file_actors_episodes_are_taken_in(tmp_path):
    toy_corpus(tmp_path / "corpus", 1)
    config = toy_config(*TINY, "budget.episodes=10", "actor.drift_noise_qindex=4")
    common = {"engine": fake_engine(), "cache": tmp_path / "cache"}
    folder = tmp_path / "run" / "inbox" / "elsewhere"
    made = play_to_log(
        config,
        tmp_path / "corpus",
        "controller",
        "elsewhere",
        tmp_path / "files",
        episodes=6,
        report=lambda _: None,
        **common,
    )
    assert made == 6
    log = list(read_log(tmp_path / "files"))
    paired = {(e.instance, e.target_kbps) for e in log if e.source == PAIRED}
    episodes = [e for e in log if e.source == SELFPLAY]
    assert paired == {(e.instance, e.target_kbps) for e in episodes}
    assert [e.greedy for e in episodes].count(True) == 2
    loud = [e for e in episodes if not e.greedy]
    assert all((e.records["asked"] != e.records["q_ref"]).any() for e in loud)
    # A run takes them in at its next round.
    train(config, tmp_path / "corpus", tmp_path / "run", report=lambda _: None, **common)
    folder.parent.mkdir(exist_ok=True)
    (tmp_path / "files").rename(folder)
    grown = toy_config(*TINY, "budget.episodes=17", "actor.drift_noise_qindex=4")
    train(grown, tmp_path / "corpus", tmp_path / "run", resume=True, report=lambda _: None, **common)
    uids = [e.uid for e in read_log(tmp_path / "run" / "episodes")]
    assert sum(uid.startswith("elsewhere/") for uid in uids) == 6 and len(uids) == len(set(uids))


def test_the_numpy_actor_needs_no_jax():
    code = (
        "import sys\nfor name in ('jax', 'haiku', 'reverb', 'tensorflow'): sys.modules[name] = None\n"
        "import muzero_rc.distributed.offline_actor, muzero_rc.cli.train"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_port_in_use_is_one_clear_line():
    pytest.importorskip("reverb")
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RunError, match=f"port {port} cannot be used"):
            LearnerServer(toy_config(), port=port, everywhere=False)


def listening_devices(port):
    """The devices that this process's listening sockets on `port` are tied to."""
    devices = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            one = socket.socket(fileno=os.dup(int(entry.name)))
        except OSError:
            continue
        with one:
            if one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) and one.getsockname()[1] == port:
                device = one.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)
                devices.append(device.split(b"\0")[0])
    return devices


def test_a_service_is_on_loopback_and_hands_both_ways():
    pytest.importorskip("reverb")
    port, config = free_port(), toy_config()
    service = LearnerServer(config, port=port, everywhere=False)
    replay = service.replay()
    try:
        assert set(listening_devices(port)) == {b"lo"}
        client = LearnerClient(f"localhost:{port}")
        assert client.fetch() is None
        for step in (1, 2):
            service.publish(published(config, taken=(f"x/{step}",)))
        assert client.fetch().taken == {"x/2"}
        assert client.send(episode("x/3")) and client.send(episode("x/4"))
        assert [e.uid for e in service.arrived()] == ["x/3", "x/4"]
        assert list(service.arrived()) == []
    finally:
        replay.close()
    assert client.fetch() is None and not client.send(episode("x/5"))


LEARNER = """
import sys
from pathlib import Path
from support.learn_samples import fake_engine, toy_config
from muzero_rc.distributed.transport import LearnerServer
from muzero_rc.training.train import train
folder, port = Path(sys.argv[1]), int(sys.argv[2])
config = toy_config(*sys.argv[3:])
train(config, folder / "corpus", folder / "run", engine=fake_engine(), cache=folder / "cache", resume=True,
      service=LearnerServer(config, port=port, everywhere=False), report=lambda line: print(line, flush=True))
"""
ACTOR = """
import sys
from pathlib import Path
from support.learn_samples import fake_engine
from muzero_rc.distributed.remote_actor import act
folder, port = Path(sys.argv[1]), sys.argv[2]
act(folder / "corpus", f"localhost:{port}", "away", folder / "away", engine=fake_engine(),
    cache=folder / "cache", report=lambda line: print(line, flush=True))
"""


def started(script, *words):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", script, *map(str, words)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )


def wait_for(process, text):
    """Reads what a process says until a line has `text`."""
    while text not in (line := process.stdout.readline()):
        assert line, f"it ended before it said {text!r}"


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.mark.slow
def test_actor_and_learner_vanish_and_come_back(tmp_path):
    pytest.importorskip("reverb")
    toy_corpus(tmp_path / "corpus", 1)
    words = (LEARNER, tmp_path, free_port(), *TINY)
    learner, actor = started(*words, "budget.episodes=1000000"), started(ACTOR, tmp_path, words[2])
    try:
        wait_for(learner, " episodes")
        kill(actor)
        actor = started(ACTOR, tmp_path, words[2])
        wait_for(actor, " episodes")
        kill(learner)
        wait_for(actor, " episodes")  # it goes on with the weights that it has
        known = sum(1 for _ in read_log(tmp_path / "run" / "episodes"))
        learner = started(*words, f"budget.episodes={known + 40}")
        learner.communicate()
        assert learner.returncode == 0
    finally:
        for process in (actor, learner):
            if process.poll() is None:
                kill(process)
            process.stdout.close()
    uids = [e.uid for e in read_log(tmp_path / "run" / "episodes")]
    played = {e.uid for e in read_log(tmp_path / "away")}
    assert len(uids) >= known + 40 and len(uids) == len(set(uids)) and set(uids) <= played
