"""Modes: which order of draws each name of a sampler stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import xxhash

from curate.arrow import values_of
from curate.declared import settings_of
from curate.errors import ConfigError, nearest
from curate.feed.adaptive import Adaptive
from curate.feed.following import Following
from curate.feed.sampling.classes import Classes, classes_of
from curate.feed.sampling.counters import key_of
from curate.feed.sampling.curriculum import Curriculum, Paced, ranked
from curate.feed.sampling.dealt import Dealt, even
from curate.feed.sampling.drawn import Order
from curate.feed.sampling.grouping import Grouping, cells_of
from curate.feed.sampling.members import members_of
from curate.feed.sampling.plain import Sequential, Shuffled
from curate.feed.sampling.weighted import Weighted

Mode = Literal["sequential", "shuffled", "weighted", "balanced", "group_balanced", "curriculum", "adaptive"]
MODES: tuple[str, ...] = get_args(Mode)
OF_MODE = {
    "weights": "weighted",
    "adaptive": "adaptive",
    "grouping": "group_balanced",
    "groups": "group_balanced",
    "curriculum": "curriculum",
    "difficulty": "curriculum",
}
"""Argument -> the only mode that it says something to."""


@dataclass(frozen=True)
class Given:
    """What a mode may need beside the plan; None for what was not given.

    Attributes:
        weights: (n,) to draw by.
        adaptive: settings.
        grouping: settings.
        groups: (n,) names of groups.
        curriculum: settings.
        difficulty: (n,) numbers.
    """

    weights: np.ndarray | Sequence[float] | None = None
    adaptive: Adaptive | Mapping[str, Any] | None = None
    grouping: Grouping | Mapping[str, Any] | None = None
    groups: Any = None
    curriculum: Curriculum | Mapping[str, Any] | None = None
    difficulty: Any = None

    def check(self, mode: str) -> None:
        """Raise ConfigError for an unknown mode, or an argument that would do nothing in this one."""
        if mode not in MODES:
            raise ConfigError(f"unknown sampler {mode!r}{nearest(str(mode), MODES)}; known: {', '.join(MODES)}")
        for name, only in OF_MODE.items():
            if getattr(self, name) is not None and mode != only:
                verb = "are" if name in ("weights", "groups") else "is"
                raise ConfigError(f"{name} {verb} for the sampler {only!r}, not for {mode!r}")


def order_of(mode: str, plan: Any, n: int, seed: int, given: Given) -> tuple[Order, Following | None, list[str]]:
    """The order of a mode, the reports that it follows, and texts that differ where states can't be exchanged.

    Raises:
        ConfigError: the mode needs what is not given, or it can't be.
    """
    if not n or mode == "sequential":
        following = (
            Following.of(plan, settings_of(Adaptive, given.adaptive, "adaptive"), seed) if mode == "adaptive" else None
        )
        return Sequential(), following, []
    if mode == "shuffled":
        return Shuffled(n, seed), None, []
    if mode == "weighted":
        drawn = Weighted.of(_weights(plan, given.weights, n), seed)
        return drawn, None, [xxhash.xxh3_128_hexdigest(drawn.below.tobytes())]
    if mode == "curriculum":
        paced = settings_of(Curriculum, given.curriculum, "curriculum")
        lines = ranked(plan, given.difficulty, n, paced)
        return Paced(paced, lines, seed), None, [paced.model_dump_json(), xxhash.xxh3_128_hexdigest(lines.tobytes())]
    if mode == "adaptive":
        following = Following.of(plan, settings_of(Adaptive, given.adaptive, "adaptive"), seed)
        return following.order, following, following.keys()
    if mode == "balanced":
        return _equally(classes_of(plan, mode), n, seed, mode)
    cells = cells_of(plan, given.groups, n, settings_of(Grouping, given.grouping, "grouping").with_classes)
    return _equally(cells, n, seed, mode)


def _equally(classes: Classes, n: int, seed: int, mode: str) -> tuple[Order, None, list[str]]:
    members = members_of(classes.codes, len(classes.names))
    k = len(classes.names)

    def quotas(epoch: int) -> np.ndarray:
        return even(k, n, key_of(seed, epoch, mode, "quotas"))

    return Dealt(members, classes.lines, n, quotas, seed, mode), None, [*classes.names, members.key()]


def _weights(plan: Any, given: np.ndarray | Sequence[float] | None, n: int) -> np.ndarray:
    """(n,) floats, those given or the plan's."""
    if given is None:
        if plan is None:
            raise ConfigError("the sampler 'weighted' needs weights: pass a plan, or weights=")
        return values_of(plan["weight"], np.nan)
    chances = np.asarray(given)
    if chances.dtype.kind != "f":
        chances = chances.astype(np.float64)
    if chances.shape != (n,):
        raise ConfigError(f"{n} lines in the plan, but weights of the shape {chances.shape}")
    return chances
