"""Groups round the controller's plan, through the log that runs share."""

from collections import Counter

from support.learn_samples import played_demonstrations, toy_corpus

from muzero_rc.experience.episode import DEMONSTRATION

GROUPS = ("demonstrations.controller_groups=3", "actor.group=4")


def test_groups_share_a_clip_and_a_target_and_are_made_once(tmp_path):
    toy_corpus(tmp_path / "corpus", 2)
    made, encodes = played_demonstrations(tmp_path, *GROUPS)
    assert encodes == len(made) == len({e.uid for e in made}) == 15
    assert {e.source for e in made} == {DEMONSTRATION}
    groups = Counter((e.instance, e.target_kbps) for e in made)
    assert all(size % 5 == 0 for size in groups.values())
    assert [e.greedy for e in made].count(True) == 3
    noisy = [e.records for e in made if not e.greedy]
    assert all((records["asked"] != records["q_ref"]).any() for records in noisy)
    again, encodes = played_demonstrations(tmp_path, *GROUPS)
    assert encodes == 0 and {e.uid for e in again} == {e.uid for e in made}


def test_other_noise_makes_other_groups_and_leaves_the_first_ones_out(tmp_path):
    toy_corpus(tmp_path / "corpus", 1)
    made, _ = played_demonstrations(tmp_path, *GROUPS)
    louder, encodes = played_demonstrations(tmp_path, *GROUPS, "actor.noise_qindex=9")
    assert encodes == 15 and not {e.uid for e in made} & {e.uid for e in louder}
    none, encodes = played_demonstrations(tmp_path)
    assert encodes == 0 and none == []
