"""Policy: what a release publishes and the privacy it spends: ``release.toml``, read and proved."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from hotline.errors import HotlineError

MAIN = ("nation", "state", "municipality", "cell")
MOST_ACTS = 3


class PolicyProblem(HotlineError):
    """``release.toml`` cannot be used."""

    code = "release_policy_problem"
    message = "The policy of releases does not add up."
    hint = (
        "Correct hotline/analysis/release.toml: shares add up to 100, side tables to 0.5 at most."
    )


@dataclass(frozen=True, slots=True)
class Spent:
    """One noisy table: ``epsilon`` that it costs, ``sensitivity`` the most by which one tip
    changes it (L1). The noise has the scale ``sensitivity / epsilon``."""

    name: str
    epsilon: float
    sensitivity: int
    fields: tuple[str, ...] = ()

    @property
    def scale(self) -> float:
        return self.sensitivity / self.epsilon


@dataclass(frozen=True, slots=True)
class Policy:
    """``main`` are the four tables by name, ``sides`` the tables beside them; ``values`` the
    closed list of each field, whose last value takes whatever is told besides."""

    main: Mapping[str, Spent]
    sides: tuple[Spent, ...]
    values: Mapping[str, tuple[str, ...]]
    state_only: frozenset[str]
    nation_only: frozenset[str]
    threshold: int

    @property
    def epsilon(self) -> float:
        """What one tip pays in all."""
        return sum(spent.epsilon for spent in (*self.main.values(), *self.sides))

    @classmethod
    def load(cls) -> Policy:
        """The shipped one. Raises PolicyProblem."""
        text = files("hotline").joinpath("analysis", "release.toml").read_text(encoding="utf-8")
        return cls.read(tomllib.loads(text))

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Policy:
        """Raises PolicyProblem."""
        shares = raw["shares"]
        if tuple(shares) != MAIN or sum(shares.values()) != 100 or min(shares.values()) <= 0:
            raise PolicyProblem
        main = {name: Spent(name, raw["epsilon"] * shares[name] / 100, 1) for name in MAIN}
        sides = tuple(
            Spent(one["name"], one["epsilon"], one["sensitivity"], tuple(one["fields"]))
            for one in raw["side"]
        )
        # 0.1 + 0.06 + … is 0.5 and a hair in binary.
        if sum(side.epsilon for side in sides) > 0.5 + 1e-9 or min(s.epsilon for s in sides) <= 0:
            raise PolicyProblem
        values = {name: tuple(told) for name, told in raw["values"].items()}
        if any(name not in values for side in sides for name in side.fields):
            raise PolicyProblem
        if any(side.sensitivity != (MOST_ACTS if side.name == "acts" else 1) for side in sides):
            raise PolicyProblem
        return cls(
            main,
            sides,
            values,
            frozenset(raw["state_only"]),
            frozenset(raw["nation_only"]),
            int(raw["threshold"]),
        )
