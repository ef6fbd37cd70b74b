"""The configuration: every setting of a run, with its default, once.

config_file.py fills these from TOML and `--set a.b=c`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from encoder_bridge.errors import UserError

OFFSETS = (
    *(-48, -40, -32, -26, -21, -17, -14, -11, -9, -7, -5, -4, -3, -2, -1, 0),
    *(1, 2, 3, 4, 5, 7, 9, 11, 14, 17, 21, 26, 32, 40, 48),
)
"""Offsets to the controller's q_ref: fine near it, coarse far from it."""


class ConfigError(UserError):
    """A configuration that makes no sense; the message names the key and the value."""


def require(holds: bool, key: str, value: object, rule: str) -> None:
    """Raises ConfigError "key = value: must be rule" unless it holds."""
    if not holds:
        raise ConfigError(f"{key} = {value!r}: must be {rule}")


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of the network, and how a policy turns logits into a qindex."""

    width: int = 96  # d
    look_ahead: bool = True  # false: a shown frame's encoding sees that frame alone
    encoder_layers: int = 2
    kernel: int = 9  # shown frames that a temporal convolution sees; odd
    latents: int = 8  # learned queries over the whole clip
    attention_heads: int = 4
    windows: tuple[int, ...] = (8, 24)  # shown frames ahead whose mean encoding a step sees
    step_blocks: int = 2
    dynamics_blocks: int = 1
    action_mode: Literal["relative", "absolute"] = "relative"
    offsets: tuple[int, ...] = OFFSETS  # relative: actions are these offsets to q_ref
    absolute_basis: int = 16  # absolute: smooth functions that make up 256 logits
    decision: Literal["argmax", "mean"] = "argmax"  # of the deployed policy
    gain_bins: int = 41
    gain_limit_db: float = 4.0  # bins from -limit to +limit
    rate_bins: int = 41
    rate_limit: float = 0.5  # of log(rate / target)

    @property
    def actions(self) -> tuple[int, ...]:
        """Offset to q_ref, or absolute qindex, of each action; A = len(actions)."""
        return self.offsets if self.action_mode == "relative" else tuple(range(256))

    def __post_init__(self) -> None:
        require(8 <= self.width <= 512, "network.width", self.width, "8 to 512")
        require(0 <= self.encoder_layers <= 8, "network.encoder_layers", self.encoder_layers, "0 to 8")
        require(0 <= self.step_blocks <= 8, "network.step_blocks", self.step_blocks, "0 to 8")
        require(0 <= self.dynamics_blocks <= 8, "network.dynamics_blocks", self.dynamics_blocks, "0 to 8")
        require(
            1 <= self.kernel <= 33 and self.kernel % 2 == 1, "network.kernel", self.kernel, "odd, 1 to 33"
        )
        require(1 <= self.latents <= 64, "network.latents", self.latents, "1 to 64")
        heads = self.attention_heads
        require(
            heads >= 1 and self.width % heads == 0, "network.attention_heads", heads, "a divisor of width"
        )
        fits = len(self.windows) <= 4 and all(1 <= w <= 256 for w in self.windows)
        require(fits, "network.windows", self.windows, "at most 4 numbers from 1 to 256")
        rising = all(a < b for a, b in zip(self.offsets, self.offsets[1:], strict=False))
        small = 2 <= len(self.offsets) <= 256 and all(abs(offset) <= 254 for offset in self.offsets)
        require(
            rising and small, "network.offsets", self.offsets, "2 to 256 rising numbers within -254 and 254"
        )
        require(2 <= self.absolute_basis <= 64, "network.absolute_basis", self.absolute_basis, "2 to 64")
        for name in ("gain_bins", "rate_bins"):
            bins = getattr(self, name)
            require(3 <= bins <= 401 and bins % 2 == 1, f"network.{name}", bins, "odd, 3 to 401")
        for name in ("gain_limit_db", "rate_limit"):
            require(getattr(self, name) > 0, f"network.{name}", getattr(self, name), "positive")


@dataclass(frozen=True)
class EncodeConfig:
    """libvpx's settings while training; what is not here is libvpx's default."""

    cpu_used: int = 4
    auto_alt_ref: int = 6
    lag_in_frames: int = 25
    kf_max_dist: int = 128
    guard: bool = True

    def __post_init__(self) -> None:
        require(0 <= self.cpu_used <= 5, "encode.cpu_used", self.cpu_used, "0 to 5")
        require(0 <= self.auto_alt_ref <= 6, "encode.auto_alt_ref", self.auto_alt_ref, "0 to 6")
        require(0 <= self.lag_in_frames <= 25, "encode.lag_in_frames", self.lag_in_frames, "0 to 25")
        require(self.kf_max_dist >= 0, "encode.kf_max_dist", self.kf_max_dist, "0 or more")


@dataclass(frozen=True)
class DataConfig:
    """Instances: clips of the corpus and what is made of them."""

    max_frames: int = 140  # of a clip; the rest is left out
    max_instances: int = 300  # clips and augmented clips
    augment: bool = True
    anchor_cq_levels: tuple[int, ...] = (52, 44, 36, 28, 20)  # the anchor curve's encodes

    def __post_init__(self) -> None:
        require(self.max_frames >= 1, "data.max_frames", self.max_frames, "1 or more")
        require(self.max_instances >= 1, "data.max_instances", self.max_instances, "1 or more")
        fits = len(self.anchor_cq_levels) >= 2 and all(0 <= cq <= 63 for cq in self.anchor_cq_levels)
        require(fits, "data.anchor_cq_levels", self.anchor_cq_levels, "at least 2 levels from 0 to 63")


@dataclass(frozen=True)
class TeacherConfig:
    """Plans made without the agent."""

    cq_levels: tuple[int, ...] = tuple(range(19, 56, 3))  # constant quality, replayed through the hook
    augmented_cq_levels: tuple[int, ...] = tuple(range(20, 56, 6))  # of augmented instances
    varied: int = 0  # improvised episodes of each clip (varied.py)
    augmented_varied: int = 0  # of each augmented instance
    controller_groups: int = 0  # groups round the controller's plan, with the actor's noise
    scanned: int = 0  # instances whose GOPs' alt-refs are moved each way (scans.py)
    scan_targets: int = 2  # of each such instance, in pairs: one in each half of its rates
    searched: int = 0  # clips whose plans are searched
    search_targets: int = 2  # of each such clip
    search_encodes: int = 200  # for each such target
    search_from: Literal["quality", "controller"] = "quality"  # whose plan a search bends
    search_kept: int = 10  # one in so many candidates that did not improve is kept

    def __post_init__(self) -> None:
        for name in ("cq_levels", "augmented_cq_levels"):
            levels = getattr(self, name)
            require(all(0 <= cq <= 63 for cq in levels), f"teacher.{name}", levels, "levels from 0 to 63")
        for name in ("varied", "augmented_varied", "controller_groups", "scanned", "searched"):
            require(getattr(self, name) >= 0, f"teacher.{name}", getattr(self, name), "0 or more")
        for name in ("scan_targets", "search_targets", "search_encodes", "search_kept"):
            require(getattr(self, name) >= 1, f"teacher.{name}", getattr(self, name), "1 or more")


@dataclass(frozen=True)
class ImitationConfig:
    """Following episodes that came out well, relabelled with the rate that they had."""

    steps: int = 6000  # learner steps before self-play begins
    asked_target: bool = False  # episodes are learned under the target that was asked for, and no other
    own_target_share: float = 0.7  # else so many under the rate that they had
    own_target_slack: float = 0.01  # and up to so much above it
    other_target_spread: float = 0.1  # the others: log of target over that rate, at most
    fill_tolerance: float = 0.002  # followed: rate / target at most 1 + this
    fill_floor: float = 0.98  # and at least this
    against: Literal["peers", "opponent", "scans"] = "peers"  # what it should beat; scans: fits alone count
    temperature: float = 1.0  # peers: weight = exp(advantage in standard deviations / temperature)
    gain_floor_db: float = -0.15  # opponent: at least so much over it, at first over the anchor
    temperature_db: float = 0.2  # opponent: weight = exp(gain / temperature)
    weight_limit: float = 8.0  # at most

    def __post_init__(self) -> None:
        require(self.steps >= 0, "imitation.steps", self.steps, "0 or more")
        share = self.own_target_share
        require(0 <= share <= 1, "imitation.own_target_share", share, "within [0, 1]")
        for name in ("own_target_slack", "other_target_spread", "fill_tolerance", "fill_floor"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"imitation.{name}", value, "within [0, 1]")
        for name in ("temperature", "temperature_db", "weight_limit"):
            require(getattr(self, name) > 0, f"imitation.{name}", getattr(self, name), "positive")


@dataclass(frozen=True)
class ValidationConfig:
    """Looking at clips that are never trained on."""

    corpus: str = ""  # a folder of clips; none: no validation
    every_steps: int = 2000  # learner steps
    clips: int = 0  # at most; 0: all
    targets: int = 5  # of each clip

    def __post_init__(self) -> None:
        require(self.every_steps >= 1, "validation.every_steps", self.every_steps, "1 or more")
        require(self.clips >= 0, "validation.clips", self.clips, "0 or more")
        require(self.targets >= 4, "validation.targets", self.targets, "4 or more")


@dataclass(frozen=True)
class RewardConfig:
    """Who is the opponent, and what is a win."""

    rule: Literal["self-competition", "paper", "fixed"] = "self-competition"
    decay: float = 0.9  # of the moving averages
    overshoot_tolerance: float = 0.002  # overshoot below it counts as none
    draw_db: float = 0.01  # gains closer than that are a draw

    def __post_init__(self) -> None:
        require(0 <= self.decay < 1, "reward.decay", self.decay, "within [0, 1)")
        require(
            self.overshoot_tolerance >= 0, "reward.overshoot_tolerance", self.overshoot_tolerance, "0 or more"
        )
        require(self.draw_db >= 0, "reward.draw_db", self.draw_db, "0 or more")


@dataclass(frozen=True)
class SearchConfig:
    """Gumbel MuZero."""

    enabled: bool = True
    simulations: int = 16
    considered_actions: int = 8
    gumbel_scale: float = 0.3  # noise of exploring episodes; 0 in noise-free ones
    value_scale: float = 1.0  # of a value difference on the improved policy's logits

    def __post_init__(self) -> None:
        require(self.simulations >= 1, "search.simulations", self.simulations, "1 or more")
        require(
            self.considered_actions >= 2, "search.considered_actions", self.considered_actions, "2 or more"
        )
        for name in ("gumbel_scale", "value_scale"):
            require(getattr(self, name) >= 0, f"search.{name}", getattr(self, name), "0 or more")


@dataclass(frozen=True)
class ActorConfig:
    """Playing episodes."""

    encoders: int = 4  # encoder threads of one actor
    round_episodes: int = 64  # played with the same weights before the learner goes on
    group: int = 8  # episodes in turn of one instance at one target
    noise_free_share: float = 0.25  # of the episodes; only these move the averages
    noise_qindex: float = 3.0  # standard deviation, the same for all frames of a layer in a GOP
    layer_noise_qindex: float = 3.0  # and the same for a layer in the whole clip
    drift_noise_qindex: float = 0.0  # and so much at the first frame, falling to its opposite at the last
    frame_noise_qindex: float = 0.0  # and for each frame alone, which mostly costs quality
    noise_range: float = 1.0  # each episode's noise is scaled by 1/range to range
    refresh_s: float = 20.0  # between looks for new weights

    def __post_init__(self) -> None:
        require(1 <= self.encoders <= 256, "actor.encoders", self.encoders, "1 to 256")
        require(self.round_episodes >= 1, "actor.round_episodes", self.round_episodes, "1 or more")
        require(self.group >= 1, "actor.group", self.group, "1 or more")
        for name in ("noise_qindex", "layer_noise_qindex", "drift_noise_qindex", "frame_noise_qindex"):
            require(getattr(self, name) >= 0, f"actor.{name}", getattr(self, name), "0 or more")
        require(self.noise_range >= 1, "actor.noise_range", self.noise_range, "1 or more")
        require(
            0 < self.noise_free_share <= 1, "actor.noise_free_share", self.noise_free_share, "within (0, 1]"
        )
        require(self.refresh_s > 0, "actor.refresh_s", self.refresh_s, "positive")


@dataclass(frozen=True)
class ReplayConfig:
    """Episodes kept for the learner."""

    engine: Literal["reverb", "memory"] = "reverb"  # memory: this process only, reproducible
    episodes: int = 512  # of the agent, the newest: old ones hold it back; teachers' are all kept
    replay_ratio: float = 8.0  # times that an episode is used, on average
    teacher_share: float = 0.5  # of a batch, once there is self-play

    def __post_init__(self) -> None:
        require(self.episodes >= 1, "replay.episodes", self.episodes, "1 or more")
        require(self.replay_ratio > 0, "replay.replay_ratio", self.replay_ratio, "positive")
        share = self.teacher_share
        require(0 <= share <= 1, "replay.teacher_share", share, "within [0, 1]")


@dataclass(frozen=True)
class LearnerConfig:
    """Gradients."""

    batch_size: int = 16  # episodes
    windows: int = 16  # of one episode
    bits_share: float = 0.5  # of the windows begin at frames drawn by their bits, the rest anywhere
    unroll_steps: int = 5
    learning_rate: float = 5e-4  # falls over the imitation steps to
    selfplay_learning_rate: float = 2e-4
    warmup_steps: int = 200
    weight_decay: float = 1e-4
    gradient_clip: float = 1.0
    average_decay: float = 0.995  # of the weights' moving average, which acts and is exported
    policy_weight: float = 1.0
    value_weight: float = 0.5
    model_weight: float = 0.5  # log bits and log SSE
    true_schedule_share: float = 0.8  # else the predicted schedule
    reanalyse_share: float = 0.5
    checkpoint_steps: int = 500

    def __post_init__(self) -> None:
        for name in ("batch_size", "windows", "unroll_steps", "checkpoint_steps"):
            require(getattr(self, name) >= 1, f"learner.{name}", getattr(self, name), "1 or more")
        for name in ("learning_rate", "selfplay_learning_rate", "gradient_clip"):
            require(getattr(self, name) > 0, f"learner.{name}", getattr(self, name), "positive")
        for name in ("bits_share", "true_schedule_share", "reanalyse_share", "average_decay"):
            require(0 <= getattr(self, name) <= 1, f"learner.{name}", getattr(self, name), "within [0, 1]")
        for name in ("warmup_steps", "weight_decay", "policy_weight", "value_weight", "model_weight"):
            require(getattr(self, name) >= 0, f"learner.{name}", getattr(self, name), "0 or more")


@dataclass(frozen=True)
class BudgetConfig:
    """When a run ends: at whichever comes first."""

    episodes: int = 20000
    hours: float = 3.0

    def __post_init__(self) -> None:
        require(self.episodes >= 1, "budget.episodes", self.episodes, "1 or more")
        require(self.hours > 0, "budget.hours", self.hours, "positive")


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on, apart from its corpus."""

    seed: int = 1
    network: NetworkConfig = field(default_factory=NetworkConfig)
    encode: EncodeConfig = field(default_factory=EncodeConfig)
    data: DataConfig = field(default_factory=DataConfig)
    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    imitation: ImitationConfig = field(default_factory=ImitationConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    actor: ActorConfig = field(default_factory=ActorConfig)
    replay: ReplayConfig = field(default_factory=ReplayConfig)
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    budget: BudgetConfig = field(default_factory=BudgetConfig)

    def __post_init__(self) -> None:
        require(self.seed >= 0, "seed", self.seed, "0 or more")
