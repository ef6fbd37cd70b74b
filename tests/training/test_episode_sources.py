"""Where self-play episodes come from besides this process: logs in the run's inbox."""

from support.learn_samples import episode

from muzero_rc.experience.episode_log import EpisodeWriter
from muzero_rc.training.episode_sources import LogInbox


def append(folder, *uids):
    with EpisodeWriter(folder) as writer:
        for uid in uids:
            writer.append(episode(uid))


def test_every_actors_log_is_followed(tmp_path):
    inbox = LogInbox(tmp_path)
    append(tmp_path / "b", "b/0")
    append(tmp_path / "a", "a/0")
    assert [one.uid for one in inbox.new()] == ["a/0", "b/0"]
    append(tmp_path / "a", "a/1")
    assert [one.uid for one in inbox.new()] == ["a/1"]


def test_a_log_of_another_format_ends_no_run(tmp_path, monkeypatch, caplog):
    inbox = LogInbox(tmp_path)
    with monkeypatch.context() as newer:
        newer.setattr("muzero_rc.experience.episode.FORMAT", 3)
        append(tmp_path / "a", "a/0")
    append(tmp_path / "b", "b/0")
    assert [one.uid for one in inbox.new()] == ["b/0"]
    append(tmp_path / "b", "b/1")
    assert [one.uid for one in inbox.new()] == ["b/1"]
    (said,) = caplog.messages  # once
    assert "a selfplay episode of format 3: this program's is 2" in said
