"""The cooling schedule: when the temperature falls, and when a run stops."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from microtwin import _core, _validate
from microtwin._progress import ProgressCallback

if TYPE_CHECKING:
    from microtwin.annealing._checkpoint import State

STEP_PER_VOXEL = 0.25  # proposals at one temperature
# A small structure has few exchanges that fit and must be cooled more slowly to find them: at 128^2
# steps of 2^16 instead of 2^12 lower the final energy five- to tenfold.
SHORTEST_STEP = 2**16
PROPOSALS_PER_VOXEL = 400
SMALLEST_BUDGET = 2**25

MOVES = ("auto", "anywhere", "interfaces", "neighbours")

_FEW_ACCEPTED = 0.01
_SLICE_SECONDS = 0.2  # between looks at the clock and at Ctrl-C
_SAVE_SECONDS = 30.0
_STALL_STEPS = 24
_STALL_GAIN = 0.02  # a run that lost less than this fraction of its energy in so many steps stalls


@dataclass(frozen=True, slots=True)
class Schedule:
    """Geometric cooling and its ends."""

    tolerance: float
    max_proposals: int
    max_seconds: float | None
    start_acceptance: float
    cooling: float
    moves: str
    balanced: bool

    @classmethod
    def checked(cls, **values: Any) -> Self:
        """Check each value, then make the schedule."""
        real, seconds = _validate.real, values["max_seconds"]
        return cls(
            tolerance=real(values["tolerance"], name="tolerance", minimum=0.0),
            max_proposals=_validate.integer(
                values["max_proposals"], name="max_proposals", minimum=0
            ),
            max_seconds=None if seconds is None else real(seconds, name="max_seconds", minimum=0.0),
            start_acceptance=real(
                values["start_acceptance"], name="start_acceptance", minimum=0.0, maximum=0.99
            ),
            cooling=real(values["cooling"], name="cooling", minimum=0.0, maximum=1.0),
            moves=_validate.choice(values["moves"], MOVES, name="moves"),
            balanced=bool(values["balanced"]),
        )


def default_budget(size: int) -> int:
    """Return how many proposals a structure of so many voxels may take."""
    return max(PROPOSALS_PER_VOXEL * size, SMALLEST_BUDGET)


def start_temperature(annealer: _core.Annealer, acceptance: float) -> float:
    """Return the temperature at which a fraction of energy-raising exchanges is accepted.

    Solves mean(exp(-dE / T)) = acceptance over a sample of exchanges with dE > 0.
    """
    differences = annealer.sample_differences(2000)
    rises = differences[differences > 0]
    if acceptance <= 0 or rises.size == 0:
        return 0.0
    low, high = float(rises.min()), float(rises.max())
    low, high = low * 1e-3, high * 1e3
    for _ in range(80):
        middle = float(np.sqrt(low * high))
        if np.exp(-rises / middle).mean() < acceptance:
            low = middle
        else:
            high = middle
    return high


def cool(
    annealer: _core.Annealer,
    state: "State",
    schedule: Schedule,
    size: int,
    progress: ProgressCallback,
    save: Callable[[], None],
) -> str:
    """Run until the schedule ends and return why: energy, stall, proposals or time.

    The temperature falls whenever the number of proposals is a multiple of the step, so that a run
    that was interrupted goes on as if it had not been.
    """
    step = step_of(size)
    first_energy = state.rows[0][1] if state.rows else annealer.energy
    slice_size = min(step, 20_000)
    started = last = saved = time.monotonic()
    while True:
        reason = _ended(annealer, state, schedule)
        if reason:
            progress(1.0, 1.0, _watch(annealer, state))
            return reason
        left_in_step = step - annealer.proposed % step
        left = min(left_in_step, schedule.max_proposals - annealer.proposed, slice_size)
        moves = schedule.moves
        if moves == "auto":
            # Late in a run voxels inside a phase hardly ever fit: the energy falls tenfold further.
            few = any(row[3] < _FEW_ACCEPTED for row in state.rows)
            moves = "interfaces" if few else "anywhere"
        state.accepted += annealer.run(
            left, state.temperature, schedule.tolerance, moves, schedule.balanced
        )
        now = time.monotonic()
        state.seconds += now - last
        if now - last < _SLICE_SECONDS / 2:
            slice_size *= 2
        elif now - last > _SLICE_SECONDS:
            slice_size = max(slice_size // 2, 1000)
        last = now
        if annealer.proposed % step == 0:
            state.rows.append(_row(annealer, state, step))
            state.accepted_before_step = state.accepted
            state.temperature *= schedule.cooling
        if now - started > _SLICE_SECONDS:
            started = now
            done = _fraction_done(annealer, state, schedule, first_energy)
            progress(done, 1.0, _watch(annealer, state))
        if now - saved > _SAVE_SECONDS:
            saved = now
            save()


def step_of(size: int) -> int:
    """Return how many proposals a step of the temperature has."""
    return max(SHORTEST_STEP, int(STEP_PER_VOXEL * size))


def history(annealer: _core.Annealer, state: "State", size: int) -> list[tuple[float, ...]]:
    """Return the row of each step, the last one perhaps unfinished."""
    begun = annealer.proposed % step_of(size)
    unfinished = begun or not state.rows
    return [*state.rows, _row(annealer, state, max(begun, 1))] if unfinished else state.rows


def _row(annealer: _core.Annealer, state: "State", proposals: int) -> tuple[float, ...]:
    acceptance = (state.accepted - state.accepted_before_step) / proposals
    return annealer.proposed, annealer.energy, state.temperature, acceptance, state.seconds


def _ended(annealer: _core.Annealer, state: "State", schedule: Schedule) -> str | None:
    if annealer.energy <= schedule.tolerance:
        return "energy"
    if annealer.proposed >= schedule.max_proposals:
        return "proposals"
    if schedule.max_seconds is not None and state.seconds >= schedule.max_seconds:
        return "time"
    if len(state.rows) > _STALL_STEPS:
        before = state.rows[-1 - _STALL_STEPS][1]
        if state.rows[-1][1] > (1.0 - _STALL_GAIN) * before:
            return "stall"
    return None


def _fraction_done(
    annealer: _core.Annealer, state: "State", schedule: Schedule, first_energy: float
) -> float:
    """Return the nearest of the ends, as a fraction of the way to it."""
    ways = [annealer.proposed / max(schedule.max_proposals, 1)]
    if schedule.max_seconds:
        ways.append(state.seconds / schedule.max_seconds)
    if schedule.tolerance > 0 and first_energy > schedule.tolerance:
        # The energy falls about exponentially with the proposals.
        fallen = np.log(first_energy / max(annealer.energy, schedule.tolerance))
        ways.append(float(fallen / np.log(first_energy / schedule.tolerance)))
    return min(max(ways), 1.0)


def _watch(annealer: _core.Annealer, state: "State") -> dict[str, float]:
    acceptance = state.rows[-1][3] if state.rows else float("nan")
    return {
        "energy": annealer.energy,
        "temperature": state.temperature,
        "acceptance": acceptance,
    }
