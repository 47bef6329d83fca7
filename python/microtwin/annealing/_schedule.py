"""Schedules: at which level exchanges are accepted, and when a run stops."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from microtwin import _core, _validate
from microtwin.errors import InputError

STEP_PER_VOXEL = 0.25  # proposals at one level
# A small structure has few exchanges that fit and must be cooled more slowly to find them: at 128^2
# steps of 2^16 instead of 2^12 lower the final energy five- to tenfold.
SHORTEST_STEP = 2**16
PROPOSALS_PER_VOXEL = 400
SMALLEST_BUDGET = 2**25

MOVES = ("auto", "anywhere", "interfaces", "neighbours")
SCHEDULES = ("quench", "geometric", "adaptive", "threshold", "deluge")

_FEW_ACCEPTED = 0.01
_STALL_STEPS = 24
_STALL_GAIN = 0.02  # a run that lost less than this fraction of its energy in so many steps stalls
_QUENCHED_STEPS = 4  # what is frozen stays so
_REHEAT_ACCEPTANCE = 1e-3
_REHEAT_COOLING = 0.5
_REHEAT_STEPS = 12

# The acceptance that J. Lam and J.-M. Delosme found best, as fitted by W. Swartz (1993): it falls
# steeply in the first 15 % of a run, stays, and dies away in the last 35 %.
_HEATED, _FLAT_TO, _FLAT = 0.15, 0.65, 0.44
_FACTOR = 0.98  # on the temperature, towards that acceptance, each time it is looked at


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a run goes and when it ends."""

    kind: str
    tolerance: float
    max_proposals: int
    max_seconds: float | None
    start_acceptance: float
    cooling: float
    moves: str
    balanced: bool
    reheats: int

    @classmethod
    def checked(cls, size: int, **values: Any) -> Self:
        """Check each value, then make the schedule of a structure of so many voxels."""
        real, seconds = _validate.real, values["max_seconds"]
        acceptance, kind = values["start_acceptance"], values["schedule"]
        if acceptance is not None:
            real(acceptance, name="start_acceptance", minimum=0.0, maximum=0.99)
        if kind is None:
            kind = "geometric" if acceptance else "quench"
        kind = _validate.choice(kind, SCHEDULES, name="schedule")
        if kind == "quench" and acceptance:
            raise InputError(
                f"start_acceptance must be 0 for a quench, which accepts no rise, not {acceptance}"
            )
        moves = _validate.choice(values["moves"], MOVES, name="moves")
        budget = values["max_proposals"]
        return cls(
            kind=kind,
            tolerance=real(values["tolerance"], name="tolerance", minimum=0.0),
            max_proposals=(
                max(PROPOSALS_PER_VOXEL * size, SMALLEST_BUDGET)
                if budget is None
                else _validate.integer(budget, name="max_proposals", minimum=0)
            ),
            max_seconds=None if seconds is None else real(seconds, name="max_seconds", minimum=0.0),
            start_acceptance=(
                (0.0 if kind == "quench" else 0.1) if acceptance is None else float(acceptance)
            ),
            cooling=real(values["cooling"], name="cooling", minimum=0.0, maximum=1.0),
            moves="neighbours" if moves == "auto" and kind == "quench" else moves,
            balanced=bool(values["balanced"]),
            reheats=_validate.integer(values["reheats"], name="reheats", minimum=0),
        )

    @property
    def rule(self) -> str:
        """How the core accepts."""
        return self.kind if self.kind in ("threshold", "deluge") else "metropolis"

    def start_level(self, annealer: _core.Annealer) -> float:
        """Return the level to begin at: a temperature, a threshold or a height of water."""
        if self.kind == "quench":
            return 0.0
        if self.kind == "deluge":
            return annealer.energy
        return level_of(annealer, self.start_acceptance, self.rule)

    def next_level(self, level: float, acceptance: float, progress: float) -> float:
        """Return the level of the next step, after one with an acceptance.

        Parameters
        ----------
        progress : float
            How much of the proposals have been made.
        """
        if self.kind != "adaptive":
            return level * self.cooling
        wanted = lam_acceptance(progress)
        return level * (_FACTOR if acceptance > wanted else 1 / _FACTOR)

    def moves_now(self, acceptances: list[float]) -> str:
        """Return which moves to propose, where that is left open."""
        if self.moves != "auto":
            return self.moves
        # Late in a run voxels inside a phase hardly ever fit: the energy falls tenfold further.
        return "interfaces" if any(a < _FEW_ACCEPTED for a in acceptances) else "anywhere"

    def step(self, size: int) -> int:
        """Return how many proposals are made at one level."""
        if self.kind == "adaptive":
            return max(min(self.max_proposals // 2000, size), 2000)
        return max(SHORTEST_STEP, int(STEP_PER_VOXEL * size))

    def stalled(self, energies: list[float], level: float) -> bool:
        """Return whether the energies of the steps have fallen too little for too long."""
        if self.kind == "adaptive":
            return False  # its course belongs to a budget
        steps = _QUENCHED_STEPS if level == 0.0 else _STALL_STEPS
        if len(energies) <= steps:
            return False
        return energies[-1] > (1.0 - _STALL_GAIN) * energies[-1 - steps]


def level_of(annealer: _core.Annealer, acceptance: float, rule: str = "metropolis") -> float:
    """Return the level at which a fraction of energy-raising exchanges is accepted.

    A temperature solves mean(exp(-dE / T)) = acceptance over a sample of exchanges with dE > 0; a
    threshold is the quantile of them.
    """
    differences = annealer.sample_differences(2000)
    rises = differences[differences > 0]
    if acceptance <= 0 or rises.size == 0:
        return 0.0
    if rule == "threshold":
        return float(np.quantile(rises, acceptance))
    low, high = float(rises.min()), float(rises.max())
    low, high = low * 1e-3, high * 1e3
    for _ in range(80):
        middle = float(np.sqrt(low * high))
        if np.exp(-rises / middle).mean() < acceptance:
            low = middle
        else:
            high = middle
    return high


def lam_acceptance(progress: float) -> float:
    """Return the acceptance that the adaptive schedule wants, from the part of a run that is done.

    Examples
    --------
    >>> [round(lam_acceptance(part), 3) for part in (0.0, 0.15, 0.5, 1.0)]
    [1.0, 0.44, 0.44, 0.001]
    """
    if progress < _HEATED:
        return float(_FLAT + (1 - _FLAT) * 560.0 ** (-progress / _HEATED))
    if progress < _FLAT_TO:
        return _FLAT
    return float(_FLAT * 440.0 ** (-(progress - _FLAT_TO) / (1 - _FLAT_TO)))


def reheated(annealer: _core.Annealer) -> list[float]:
    """Return the levels of a re-heat: a little heat, taken away quickly."""
    top = level_of(annealer, _REHEAT_ACCEPTANCE)
    return [top * _REHEAT_COOLING**k for k in range(_REHEAT_STEPS)]
