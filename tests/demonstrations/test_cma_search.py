"""Searched plans, through the teachers' log that runs share."""

from types import SimpleNamespace

import pytest
from support.learn_samples import teachers, toy_corpus

from muzero_rc.demonstrations.cma_search import ended_searches, is_searched

SEARCHES = ("teacher.searched=1", "teacher.search_targets=2", "teacher.search_encodes=24")
FROM_CONTROLLER = (*SEARCHES, "teacher.search_from=controller")


def gain_db(episode):
    return episode.outcome.gain_db


def test_searches_from_the_controllers_plan_beat_it_and_are_made_once(tmp_path):
    toy_corpus(tmp_path / "corpus", 2)
    made, encodes = teachers(tmp_path, *FROM_CONTROLLER, "teacher.search_kept=1")
    assert encodes == 2 * (1 + 24 + 1)  # the controller's, the candidates, the best once more
    assert len(made) == len({e.uid for e in made}) == 2 * (24 + 1)
    assert len({e.instance for e in made}) == 1 and len({e.target_kbps for e in made}) == 2
    for target in {e.target_kbps for e in made}:
        candidates = [e for e in made if e.target_kbps == target]
        first = next(e for e in candidates if e.uid.endswith("/0"))  # the controller's own plan
        best = next(e for e in candidates if e.uid.endswith("/best"))
        assert gain_db(best) > gain_db(first)
        assert (first.records["asked"] != best.records["asked"]).any()
        assert (first, best) in ended_searches(made)
    assert len(ended_searches(made)) == 2 and not ended_searches(e for e in made if "best" not in e.uid)
    again, encodes = teachers(tmp_path, *FROM_CONTROLLER, "teacher.search_kept=1")
    assert encodes == 0 and {e.uid for e in again} == {e.uid for e in made}


def test_a_run_reads_only_the_searches_that_it_asks_for(tmp_path):
    toy_corpus(tmp_path / "corpus", 1)
    bent, _ = teachers(tmp_path, *FROM_CONTROLLER)
    assert 2 < len(bent) < 2 * 25  # those that did not improve are thinned out
    quality, _ = teachers(tmp_path, *SEARCHES, "teacher.cq_levels=[45, 35, 25]")
    assert quality and not {e.uid for e in bent} & {e.uid for e in quality}
    assert teachers(tmp_path) == ([], 0)


@pytest.mark.parametrize(
    ("uid", "begins", "searched"),
    [
        ("clip/key/p300/plan/7", "controller", True),
        ("clip/key/p300/plan/7", "quality", False),
        ("clip/key/q34/plan/best", "quality", True),
        ("clip/key/q34", "quality", False),
    ],
)
def test_what_was_searched_and_from_where(uid, begins, searched):
    assert is_searched(SimpleNamespace(uid=uid), begins) is searched
