"""Who won: an episode against the agent's own past, one number at the end.

An episode of a clip at a target bitrate ends with two numbers: how much better it looks than the
clip's anchor curve at that target, and how far it went over the target. Three rules compare them
with an opponent, the moving average of earlier episodes (`muzero_rc.experience.opponents`):

self-competition  the default: a small overshoot counts as none, a small difference as a draw, and
                  the opponent's quality is the average of episodes that fitted
paper             as recalled from Mandhane et al., arXiv:2202.06626: no tolerance, and every
                  episode counts toward the averages of its clip and target
fixed             the first opponent for ever: the anchor curve, never over the target
"""

from dataclasses import dataclass, replace

from muzero_rc.config.schema import RewardConfig


@dataclass(frozen=True)
class Outcome:
    """What an episode is judged by.

    Attributes:
      gain_db: luma PSNR above the clip's anchor curve at the target bitrate.
      overshoot: rate / target - 1, at least 0.
    """

    gain_db: float
    overshoot: float


def outcome_of(rate_kbps: float, target_kbps: float, psnr_y_db: float, anchor_db: float) -> Outcome:
    """The outcome of an encode; `anchor_db` is the anchor curve's PSNR at the target."""
    return Outcome(psnr_y_db - anchor_db, max(0.0, rate_kbps / target_kbps - 1.0))


@dataclass(frozen=True)
class Opponent:
    """The average of past episodes; `Opponent()` is the anchor itself, which always fits.

    Attributes:
      gain_db: average gain.
      overshoot: average overshoot.
      episodes: how many went in.
    """

    gain_db: float = 0.0
    overshoot: float = 0.0
    episodes: int = 0


@dataclass(frozen=True)
class Rule:
    """How to compare, and what the average remembers.

    Attributes:
      overshoot_floor: an overshoot below counts as 0 (an average never returns to exactly 0).
      draw_db: gain differences below are a draw.
      decay: share of the old average that a new episode leaves.
      fitting_only: only episodes that fit enter the average gain.
      per_target: one opponent for each (clip, target), not for each clip.
      seeded: the first opponent is the anchor; else the first episode has none and is a draw.
      moves: the opponent learns at all.
    """

    overshoot_floor: float = 0.002
    draw_db: float = 0.01
    decay: float = 0.9
    fitting_only: bool = True
    per_target: bool = False
    seeded: bool = True
    moves: bool = True


RULES = {
    "self-competition": Rule(),
    "paper": Rule(overshoot_floor=0.0, draw_db=0.0, fitting_only=False, per_target=True, seeded=False),
    "fixed": Rule(moves=False),
}


def rule_of(config: RewardConfig) -> Rule:
    """The rule of a run: its tolerances are the config's, except that the paper's has none."""
    rule = replace(RULES[config.rule], decay=config.decay)
    if config.rule == "paper":
        return rule
    return replace(rule, overshoot_floor=config.overshoot_tolerance, draw_db=config.draw_db)


def counted_overshoot(overshoot: float, rule: Rule) -> float:
    """The overshoot as the rule sees it: 0 below the floor."""
    return overshoot if overshoot > 0.0 and overshoot >= rule.overshoot_floor else 0.0


def score(outcome: Outcome, opponent: Opponent, rule: Rule) -> float:
    """+1 win, -1 loss, 0 draw.

    Args:
      outcome: the episode.
      opponent: whom it meets.
      rule: one of `RULES`, or a variation.

    Returns:
      Where the episode or the opponent broke the constraint: who broke it less. Else: who looks better.
    """
    if not rule.seeded and opponent.episodes == 0:
        return 0.0
    mine = counted_overshoot(outcome.overshoot, rule)
    theirs = counted_overshoot(opponent.overshoot, rule)
    if mine > 0.0 or theirs > 0.0:
        return _sign(theirs - mine)
    difference_db = outcome.gain_db - opponent.gain_db
    return 0.0 if abs(difference_db) < rule.draw_db else _sign(difference_db)


def advance(opponent: Opponent, outcome: Outcome, rule: Rule) -> Opponent:
    """The opponent after one more episode of the agent; the old one is left as it was."""
    if not rule.moves:
        return opponent
    if not rule.seeded and opponent.episodes == 0:
        return Opponent(outcome.gain_db, outcome.overshoot, 1)
    fits = counted_overshoot(outcome.overshoot, rule) == 0.0
    gain_db = opponent.gain_db
    if fits or not rule.fitting_only:
        gain_db += (1.0 - rule.decay) * (outcome.gain_db - gain_db)
    overshoot = opponent.overshoot + (1.0 - rule.decay) * (outcome.overshoot - opponent.overshoot)
    return replace(opponent, gain_db=gain_db, overshoot=overshoot, episodes=opponent.episodes + 1)


def _sign(x: float) -> float:
    return float((x > 0.0) - (x < 0.0))
