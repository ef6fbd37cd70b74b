"""The training configuration: every setting of a run, declared once with its default and range.

toml_io.py fills these from TOML and `--set a.b=c`; the settings of the encoder are declared in
`encoder_bridge.encode.config`.
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from encoder_bridge.encode.config import EncoderConfig, Offered, offered
from encoder_bridge.encode.objective import WORDS as OBJECTIVES_IN_WORDS
from encoder_bridge.encode.objective import is_objective
from muzero_rc.config.ranges import (
    POSITIVE,
    SHARE,
    SHARE_BELOW_1,
    Range,
    Section,
    at_least,
    between,
    list_of,
    odd_between,
    one_of,
    ranged,
    require,
)
from muzero_rc.reward.rules import RULES

OFFSETS = (
    *(-48, -40, -32, -26, -21, -17, -14, -11, -9, -7, -5, -4, -3, -2, -1, 0),
    *(1, 2, 3, 4, 5, 7, 9, 11, 14, 17, 21, 26, 32, 40, 48),
)
"""Offsets to the controller's q_ref: fine near it, coarse far from it."""

_CQ_LEVELS = list_of(0, 63, words="levels from 0 to 63")
_ANCHOR_LEVELS = list_of(0, 63, least=2, words="at least 2 levels from 0 to 63")
_EVEN = Range(lambda count: count >= 2 and count % 2 == 0, "an even number, at least 2")
_WINDOWS = list_of(1, 256, most=4, words="at most 4 numbers from 1 to 256")
_OBJECTIVE = Range(is_objective, OBJECTIVES_IN_WORDS)
_RISING_OFFSETS = Range(
    lambda offsets: (
        2 <= len(offsets) <= 256
        and all(abs(offset) <= 254 for offset in offsets)
        and all(a < b for a, b in itertools.pairwise(offsets))
    ),
    "2 to 256 rising numbers within -254 and 254",
)


@dataclass(frozen=True)
class NetworkConfig(Section, key="network"):
    """Sizes of the network, and how a policy turns logits into a qindex."""

    width: int = ranged(96, between(8, 512))  # d
    look_ahead: bool = True  # false: a shown frame's encoding sees that frame alone
    encoder_layers: int = ranged(2, between(0, 8))
    kernel: int = ranged(9, odd_between(1, 33))  # shown frames that a temporal convolution sees; odd
    latents: int = ranged(8, between(1, 64))  # learned queries over the whole clip
    attention_heads: int = ranged(4, at_least(1))
    windows: tuple[int, ...] = ranged((8, 24), _WINDOWS)  # shown frames ahead whose mean encoding a step sees
    step_blocks: int = ranged(2, between(0, 8))
    dynamics_blocks: int = ranged(1, between(0, 8))
    critic_blocks: int = ranged(1, between(0, 8))
    action_mode: Literal["relative", "absolute"] = "relative"
    offsets: tuple[int, ...] = ranged(OFFSETS, _RISING_OFFSETS)  # relative: the actions, added to q_ref
    absolute_basis: int = ranged(16, between(2, 64))  # absolute: smooth functions that make up 256 logits
    decision: Literal["argmax", "mean"] = "argmax"  # of the deployed policy
    gain_bins: int = ranged(161, odd_between(3, 401))
    gain_limit: float = ranged(32.0, POSITIVE)  # per cent of rate; bins from -limit to +limit, 0.02 dB each
    rate_bins: int = ranged(41, odd_between(3, 401))
    rate_limit: float = ranged(0.5, POSITIVE)  # of log(rate / target)

    @property
    def actions(self) -> tuple[int, ...]:
        """Offset to q_ref, or absolute qindex, of each action; A = len(actions)."""
        return self.offsets if self.action_mode == "relative" else tuple(range(256))

    def __post_init__(self) -> None:
        """Raises ConfigError for sizes that do not fit together, too."""
        super().__post_init__()
        heads = self.attention_heads
        require(self.width % heads == 0, "network.attention_heads", heads, "a divisor of width")


def _encode_fields() -> list[tuple[str, type, Any]]:
    """The encoder settings that are offered to training, with its own defaults, and the guard."""
    own = {"cpu_used": 4}
    settings = [
        (name, int, ranged(own.get(name, one.default), between(one.low, one.high)))
        for name, one in offered(Offered.TRAINING).items()
    ]
    return [*settings, ("guard", bool, True)]


class _EncodeSection(Section, key="encode"):
    """libvpx's settings while training, and whether the guard holds policies to the budget."""


if TYPE_CHECKING:

    class EncodeConfig(EncoderConfig):
        """For type checkers, which cannot see the fields below: a part of EncoderConfig, and guard."""

        guard: bool
else:
    EncodeConfig = dataclasses.make_dataclass(
        "EncodeConfig",
        _encode_fields(),
        frozen=True,
        bases=(_EncodeSection,),
        namespace={"__module__": __name__},
    )


def encoder_settings(encode: EncodeConfig) -> dict[str, int]:
    """The encoder settings that a run has chosen, as `EncoderConfig` takes them."""
    return {name: getattr(encode, name) for name in offered(Offered.TRAINING)}


@dataclass(frozen=True)
class DataConfig(Section, key="data"):
    """Instances: clips of the corpus, augmented clips, and their anchor curves."""

    max_frames: int = ranged(140, at_least(1))  # of a clip; the rest is left out
    max_instances: int = ranged(300, at_least(1))  # clips and augmented clips
    augment: bool = True
    anchor_cq_levels: tuple[int, ...] = ranged(
        (52, 44, 36, 28, 20), _ANCHOR_LEVELS
    )  # of the anchor's encodes


@dataclass(frozen=True)
class DemonstrationsConfig(Section, key="demonstrations"):
    """Plans made without the agent."""

    cq_levels: tuple[int, ...] = ranged(
        tuple(range(19, 56, 3)), _CQ_LEVELS
    )  # constant quality, replayed through the hook
    augmented_cq_levels: tuple[int, ...] = ranged(
        tuple(range(20, 56, 6)), _CQ_LEVELS
    )  # of augmented instances
    randomised: int = ranged(0, at_least(0))  # episodes of each clip with randomised offsets
    augmented_randomised: int = ranged(0, at_least(0))  # of each augmented instance
    controller_groups: int = ranged(0, at_least(0))  # groups of the controller's plan and noise
    swept: int = ranged(0, at_least(0))  # instances whose alt-refs are swept
    sweep_targets: int = ranged(2, at_least(1))  # of each: half in each half of its rates
    searched: int = ranged(0, at_least(0))  # clips whose plans are searched
    search_targets: int = ranged(2, at_least(1))  # of each such clip
    search_encodes: int = ranged(200, at_least(1))  # for each such target
    search_from: Literal["quality", "controller"] = "quality"  # whose plan a search bends
    search_kept: int = ranged(10, at_least(1))  # one in so many candidates that did not improve is kept


@dataclass(frozen=True)
class ImitationConfig(Section, key="imitation"):
    """Imitation of demonstrations that came out well, relabelled with the rate that they had."""

    steps: int = ranged(6000, at_least(0))  # learner steps before self-play begins
    asked_target: bool = False  # episodes are learned under the target that was asked for, and no other
    own_target_share: float = ranged(0.7, SHARE)  # else so many under the rate that they had
    own_target_slack: float = ranged(0.01, SHARE)  # and up to so much above it
    other_target_spread: float = ranged(0.1, SHARE)  # the others: log of target over that rate, at most
    fill_tolerance: float = ranged(0.002, SHARE)  # followed: rate / target at most 1 + this
    fill_floor: float = ranged(0.98, SHARE)  # and at least this
    against: Literal["peers", "optimum"] = "peers"  # what it should beat; optimum: only optima count
    temperature: float = ranged(1.0, POSITIVE)  # peers: weight = exp(advantage / this)
    weight_limit: float = ranged(8.0, POSITIVE)  # at most


@dataclass(frozen=True)
class ValidationConfig(Section, key="validation"):
    """Validation on clips that are never trained on."""

    corpus: str = ""  # a folder of clips; none: no validation
    every_steps: int = ranged(2000, at_least(1))  # learner steps
    clips: int = ranged(0, at_least(0))  # at most; 0: all
    targets: int = ranged(5, at_least(4))  # of each clip


@dataclass(frozen=True)
class RewardConfig(Section, key="reward"):
    """Reward rule (muzero_rc/reward) and its tolerances."""

    rule: str = ranged("self-competition", one_of(RULES))
    metric: str = ranged("psnr", _OBJECTIVE)  # that encodes are to gain at, measured on what is decoded
    decay: float = ranged(0.9, SHARE_BELOW_1)  # of the moving averages, once they cover that much
    overshoot_tolerance: float = ranged(0.002, at_least(0))  # overshoot below it counts as none
    draw_percent: float = ranged(0.1, at_least(0))  # gains closer than that, in per cent of rate, are a draw
    unused_free: float = ranged(0.05, SHARE)  # of the target, may be left beyond what the controller leaves
    overshoot_price: float = ranged(3.0, at_least(0))  # lagrangian: per cent of gain for each per cent over
    unused_price: float = ranged(0.2, at_least(0))  # per cent of gain for each per cent left beyond that


@dataclass(frozen=True)
class SearchConfig(Section, key="search"):
    """Gumbel MuZero search."""

    enabled: bool = True
    simulations: int = ranged(16, at_least(1))
    considered_actions: int = ranged(8, at_least(2))
    target_share: float = ranged(0.5, SHARE)  # of the policy target of a winner; the rest is what it did
    gumbel_scale: float = ranged(0.3, at_least(0))  # noise of exploring episodes; 0 in noise-free ones
    value_scale: float = ranged(0.1, at_least(0))  # mctx's own: of rescaled values on the policy's logits
    depth: int = ranged(17, at_least(1))  # decisions ahead at most; a GOP has up to 17


@dataclass(frozen=True)
class ActorConfig(Section, key="actor"):
    """Actors: encoders, rounds of episodes, exploration noise."""

    encoders: int = ranged(4, between(1, 256))  # encoder threads of one actor
    round_episodes: int = ranged(64, at_least(1))  # with the same weights, in whole groups
    targets: int = ranged(2, at_least(1))  # of each instance: few, so that opponents are met again
    group: int = ranged(8, _EVEN)  # antithetic ones of an instance and target, after one without noise
    noise_qindex: float = ranged(3.0, at_least(0))  # standard deviation, of a layer in a GOP
    layer_noise_qindex: float = ranged(3.0, at_least(0))  # of a layer in the whole clip
    drift_noise_qindex: float = ranged(0.0, at_least(0))  # at the first frame, falling to its opposite
    frame_noise_qindex: float = ranged(0.0, at_least(0))  # of each frame alone: mostly costs quality
    noise_range: float = ranged(1.0, at_least(1))  # each episode's noise is scaled by 1/range to range
    refresh_s: float = ranged(20.0, POSITIVE)  # between looks for new weights


@dataclass(frozen=True)
class ReplayConfig(Section, key="replay"):
    """Replay: which episodes are kept, and how often each is learned from."""

    engine: Literal["auto", "reverb", "memory"] = "auto"  # reverb where it is; memory: reproducible
    episodes: int = ranged(512, at_least(1))  # the agent's newest; demonstrations all stay
    replay_ratio: float = ranged(8.0, POSITIVE)  # times that an episode is used, on average
    demonstration_share: float = ranged(0.5, SHARE)  # of a batch, once there is self-play


@dataclass(frozen=True)
class LearnerConfig(Section, key="learner"):
    """Learner: batches, optimiser, weights of the losses."""

    batch_size: int = ranged(16, at_least(1))  # episodes
    windows: int = ranged(16, at_least(1))  # of one episode
    bits_share: float = ranged(0.5, SHARE)  # of the windows begin at frames drawn by bits
    unroll_steps: int = ranged(5, at_least(1))
    learning_rate: float = ranged(5e-4, POSITIVE)  # falls over the imitation steps to
    selfplay_learning_rate: float = ranged(2e-4, POSITIVE)
    warmup_steps: int = ranged(200, at_least(0))
    weight_decay: float = ranged(1e-4, at_least(0))
    gradient_clip: float = ranged(1.0, POSITIVE)
    average_decay: float = ranged(0.995, SHARE)  # of the weights' moving average, which acts and is exported
    policy_weight: float = ranged(1.0, at_least(0))
    value_weight: float = ranged(0.5, at_least(0))
    model_weight: float = ranged(0.5, at_least(0))  # log bits and log SSE
    true_schedule_share: float = ranged(0.8, SHARE)  # else the predicted schedule
    reanalyse_share: float = ranged(0.5, SHARE)


@dataclass(frozen=True)
class BudgetConfig(Section, key="budget"):
    """Budget of a run, which ends at whichever comes first."""

    episodes: int = ranged(20000, at_least(1))
    hours: float = ranged(3.0, POSITIVE)


@dataclass(frozen=True)
class Config(Section, key=""):
    """Configuration of a training run: everything that it depends on but its corpus."""

    seed: int = ranged(1, at_least(0))
    network: NetworkConfig = field(default_factory=NetworkConfig)
    encode: EncodeConfig = field(default_factory=EncodeConfig)
    data: DataConfig = field(default_factory=DataConfig)
    demonstrations: DemonstrationsConfig = field(default_factory=DemonstrationsConfig)
    imitation: ImitationConfig = field(default_factory=ImitationConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    actor: ActorConfig = field(default_factory=ActorConfig)
    replay: ReplayConfig = field(default_factory=ReplayConfig)
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    budget: BudgetConfig = field(default_factory=BudgetConfig)
