"""Searched plans, through the log that runs share."""

from support.learn_samples import played_demonstrations, toy_corpus

from muzero_rc.demonstrations.cma_search import BEST, ended_searches
from muzero_rc.demonstrations.constant_quality import KIND as CONSTANT_QUALITY

SEARCHES = (
    "demonstrations.searched=1",
    "demonstrations.search_targets=2",
    "demonstrations.search_encodes=24",
)
FROM_CONTROLLER = (*SEARCHES, "demonstrations.search_from=controller")


def gain_db(episode):
    return episode.outcome.gain_db


def test_searches_from_the_controllers_plan_beat_it_and_are_made_once(tmp_path):
    toy_corpus(tmp_path / "corpus", 2)
    made, encodes = played_demonstrations(tmp_path, *FROM_CONTROLLER, "demonstrations.search_kept=1")
    assert encodes == 2 * (1 + 24 + 1)  # the controller's, the candidates, the best once more
    assert len(made) == len({e.uid for e in made}) == 2 * (24 + 1)
    assert len({e.instance for e in made}) == 1 and len({e.target_kbps for e in made}) == 2
    for target in {e.target_kbps for e in made}:
        candidates = [e for e in made if e.target_kbps == target]
        first = next(e for e in candidates if e.index == 0)  # the controller's own plan
        best = next(e for e in candidates if e.index == BEST)
        assert gain_db(best) > gain_db(first)
        assert (first.records["asked"] != best.records["asked"]).any()
        assert (first, best) in ended_searches(made)
    assert len(ended_searches(made)) == 2 and not ended_searches(e for e in made if e.index != BEST)
    again, encodes = played_demonstrations(tmp_path, *FROM_CONTROLLER, "demonstrations.search_kept=1")
    assert encodes == 0 and {e.uid for e in again} == {e.uid for e in made}


def test_a_run_reads_only_the_searches_that_it_asks_for(tmp_path):
    toy_corpus(tmp_path / "corpus", 1)
    bent, _ = played_demonstrations(tmp_path, *FROM_CONTROLLER)
    assert 2 < len(bent) < 2 * 25  # those that did not improve are thinned out
    quality, _ = played_demonstrations(tmp_path, *SEARCHES, "demonstrations.cq_levels=[45, 35, 25]")
    searched = {e.kind for e in quality} - {CONSTANT_QUALITY}
    assert searched == {"cma-from-quality"} and {e.kind for e in bent} == {"cma-from-controller"}
    assert played_demonstrations(tmp_path) == ([], 0)
