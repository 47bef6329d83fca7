"""A run: its stages one after the other, with what it tells and saves on the way.

First, where S2 is known in every direction, blocks are annealed to it and to the curves together;
then, where the structure is large, blocks to the curves alone; then the whole structure by the
schedule, until its end.

Ctrl-C may come between any two lines. What the core has done is therefore read from its own counts,
and the state changes as a whole: a run that is saved then goes on as if nothing had happened.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from microtwin import _core
from microtwin._progress import ProgressCallback
from microtwin.annealing import _checkpoint, _schedule
from microtwin.annealing._checkpoint import Saved, State
from microtwin.annealing._problem import Problem
from microtwin.annealing._targets import Target, recount
from microtwin.annealing.frames import Frames

_SLICE_SECONDS = 0.2  # between looks at the clock and at Ctrl-C
_SAVE_SECONDS = 30.0

_BLOCK_SIDE = {2: 512, 3: 64}  # what is looked at in a block fits the second cache
_BLOCKS_FROM = 2**19  # voxels
_SWEEP = 1.0  # proposals of each voxel between two looks at the clock
_SMALL_GAIN, _SMALL_GAINS = 0.1, 2
_MAP_ENOUGH = 2e-4  # rms over the rows
_HELPS = 0.8  # of the energy before, or less, after a re-heat that is worth another

Annealer = _core.Annealer | _core.BlockAnnealer
Labels = npt.NDArray[np.uint8]


class Stopped(Exception):
    """Raised in a run that another thread asks to stop."""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told how a run goes, and saves it."""

    progress: ProgressCallback
    save: Callable[[Annealer, Labels | None, State], None]
    frames: Frames | None = None
    stop: threading.Event | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a stage, or the run, has come to; without a reason the next stage follows."""

    labels: Labels
    energy: float
    proposals: int
    accepted: int
    reason: str | None
    rows: tuple[tuple[float, ...], ...]
    seconds: float


def run(problem: Problem, state: State, saved: Saved | None, watcher: Watcher) -> Outcome:
    """Go through all stages that are left."""
    course = _Course(problem, state, watcher, saved)
    stages = course.stages()
    names = list(stages)
    labels = problem.start if saved is None else saved.labels
    at = names.index(state.stage) if state.stage in names else 0
    if saved is not None and state.stage not in names:
        # There is no budget for the stage any more that it was saved in: it is at its last.
        at = len(names) - 1
        course.state = State(
            proposed=state.proposed + saved.proposed,
            accepted=state.accepted + saved.accepted,
            seconds=state.seconds,
            rows=state.rows,
        )
        saved = None
    for name in names[at:]:
        course.state = replace(course.state, stage=name)
        outcome = stages[name](labels.reshape(problem.shape), saved)
        if outcome.reason is not None:
            break
        labels, saved = outcome.labels, None
        course.state = State(
            proposed=outcome.proposals,
            accepted=outcome.accepted,
            seconds=outcome.seconds,
            rows=outcome.rows,
        )
    return outcome


class _Course:
    """The state of a run and what its stages share."""

    def __init__(
        self, problem: Problem, state: State, watcher: Watcher, saved: Saved | None
    ) -> None:
        self.problem, self.state, self.watcher = problem, state, watcher
        self.schedule = problem.schedule
        self.saved_at = self.told_at = self.clock = time.monotonic()
        self.best = None if saved is None else saved.best

    def stages(self) -> dict[str, Callable[[Labels, Saved | None], Outcome]]:
        """Return what a run of the problem goes through."""
        problem, result = self.problem, {}
        blocks = (
            problem.along_lines
            and problem.schedule.kind == "quench"
            and problem.schedule.max_proposals >= problem.size  # else there is not one sweep
        )
        if blocks and problem.rows:
            result["map"] = partial(self.sweep, with_map=True)
        if blocks and problem.size >= _BLOCKS_FROM:
            result["blocks"] = partial(self.sweep, with_map=False)
        return {**result, "whole": self.exchange}

    # Blocks

    def sweep(self, labels: Labels, saved: Saved | None, *, with_map: bool) -> Outcome:
        """Anneal blocks until sweeps gain little."""
        problem, schedule = self.problem, self.schedule
        targets = [*problem.curves, *(problem.rows if with_map else [])]
        annealer = _core.BlockAnnealer(
            labels,
            targets,
            problem.periodic,
            problem.seed + (0 if with_map else 1),  # each of the stages has its own
            problem.threads,
            problem.fixed,
        )
        if saved is not None:
            annealer.restore(self.state.noted, saved.proposed, saved.accepted)
        self.clock = time.monotonic()
        try:
            while True:
                reason = self.ended(annealer, whole=not with_map)
                if not reason and schedule.max_proposals - self.proposals(annealer) < problem.size:
                    reason = "proposals"  # the next sweep would be one too many
                if reason or self.swept(annealer, with_map):
                    break
                annealer.sweep(
                    side=_BLOCK_SIDE[len(problem.shape)],
                    proposals=_SWEEP,
                    enough=0.0 if with_map else schedule.tolerance,
                    moves=schedule.moves,
                )
                self.note_sweep(annealer)
                self.look(annealer)
        finally:
            self.note_sweep(annealer)
            self.watcher.save(annealer, self.best, self.state)
        return self.finished(annealer, targets, reason)

    def note_sweep(self, annealer: _core.BlockAnnealer) -> None:
        """Take down what the last sweep has done, unless it has been."""
        state = self.state
        if annealer.sweeps == state.noted:
            return
        little = annealer.energy > (1.0 - _SMALL_GAIN) * state.objective
        self.state = replace(
            state,
            noted=annealer.sweeps,
            noted_accepted=annealer.accepted,
            objective=annealer.energy,
            small_gains=state.small_gains + 1 if little else 0,
            seconds=self.time(),
            rows=(*state.rows, self.row(annealer, 0.0)),
        )

    def swept(self, annealer: _core.BlockAnnealer, with_map: bool) -> bool:
        """Return whether blocks have done what they can."""
        if self.state.small_gains >= _SMALL_GAINS:
            return True
        if not with_map or annealer.error > self.schedule.tolerance:
            return False
        rows = annealer.energies()[len(self.problem.curves) :]
        weights = sum(sum(weights) for *_, weights in self.problem.rows)
        return bool(rows.sum() <= weights * _MAP_ENOUGH**2)

    # The whole structure

    def exchange(self, labels: Labels, saved: Saved | None) -> Outcome:
        """Anneal the whole structure by the schedule."""
        problem, schedule = self.problem, self.schedule
        annealer = self.annealer(labels)
        if saved is not None:
            _checkpoint.restore(annealer, saved)
        if self.state.level is None:
            level = schedule.start_level(annealer)
            self.state = replace(self.state, level=level, quenched=len(self.state.rows))
        best_energy = math.inf
        if self.best is not None:
            best_energy = self.annealer(self.best.reshape(problem.shape)).error
        step = schedule.step(problem.size)
        slice_size = min(step, 20_000)
        self.clock = time.monotonic()
        try:
            while True:
                self.note_step(annealer, step)
                reason = self.ended(annealer, whole=True)
                if reason == "stall" and self.state.reheats < schedule.reheats:
                    energy = annealer.error
                    if energy < _HELPS * best_energy:
                        self.best, best_energy = annealer.labels(), energy
                        self.heat(annealer)
                        reason = None
                if reason:
                    break
                left = step - annealer.proposed % step
                left = min(left, schedule.max_proposals - self.proposals(annealer), slice_size)
                begun = time.monotonic()
                annealer.run(
                    left,
                    self.state.level or 0.0,
                    schedule.tolerance,
                    schedule.moves_now([row[3] for row in self.state.rows]),
                    schedule.balanced,
                    schedule.rule,
                )
                took = time.monotonic() - begun
                if took < _SLICE_SECONDS / 2:
                    slice_size *= 2
                elif took > _SLICE_SECONDS:
                    slice_size = max(slice_size // 2, 1000)
                self.look(annealer)
        finally:
            self.note_step(annealer, step)
            self.state = replace(self.state, seconds=self.time())
            self.watcher.save(annealer, self.best, self.state)
        if self.best is not None and best_energy < annealer.error:
            # The heat was in vain.
            self.finished(annealer, self.targets, reason)
            annealer = self.annealer(self.best.reshape(problem.shape))
        return self.finished(annealer, self.targets, reason)

    @property
    def targets(self) -> list[Target]:
        """What the whole structure is annealed to.

        An image, which has few voxels to choose from, would lose the map to the heat; rows of it
        cost little there.
        """
        problem = self.problem
        return [*problem.curves, *(problem.rows if len(problem.shape) == 2 else [])]

    def annealer(self, labels: Labels) -> _core.Annealer:
        problem = self.problem
        return _core.Annealer(labels, self.targets, problem.periodic, problem.seed, problem.fixed)

    def note_step(self, annealer: _core.Annealer, step: int) -> None:
        """Take down a step that has ended and set the level of the next, unless it has been."""
        state, schedule = self.state, self.schedule
        if annealer.proposed % step or annealer.proposed == state.noted or state.level is None:
            return
        row = self.row(annealer, state.level)
        state = replace(
            state,
            noted=annealer.proposed,
            noted_accepted=annealer.accepted,
            seconds=self.time(),
            rows=(*state.rows, row),
        )
        if state.heats:
            level, *heats = state.heats
            # From the end of a re-heat on it is a quench that may stall.
            quenched = state.quenched if heats else len(state.rows)
            self.state = replace(state, level=level, heats=tuple(heats), quenched=quenched)
        else:
            progress = self.proposals(annealer) / max(schedule.max_proposals, 1)
            self.state = replace(
                state, level=schedule.next_level(state.level or 0.0, row[3], progress)
            )

    def heat(self, annealer: _core.Annealer) -> None:
        """Begin a re-heat."""
        first, *heats = _schedule.reheated(annealer)
        self.state = replace(
            self.state, level=first, heats=(*heats, 0.0), reheats=self.state.reheats + 1
        )

    # What all stages share

    def proposals(self, annealer: Annealer) -> int:
        return self.state.proposed + annealer.proposed

    def time(self) -> float:
        """Return the seconds spent up to now."""
        before, self.clock = self.clock, time.monotonic()
        return self.state.seconds + self.clock - before

    def row(self, annealer: Annealer, level: float) -> tuple[float, ...]:
        """Return a row of the history, of what was done since the last one."""
        state = self.state
        rows = state.rows
        proposals = self.proposals(annealer)
        since = proposals - (int(rows[-1][0]) if rows else 0)
        acceptance = (annealer.accepted - state.noted_accepted) / max(since, 1)
        return proposals, annealer.error, level, acceptance, self.time()

    def ended(self, annealer: Annealer, *, whole: bool) -> str | None:
        state, schedule = self.state, self.schedule
        if whole and annealer.error <= schedule.tolerance:
            return "energy"
        if self.proposals(annealer) >= schedule.max_proposals:
            return "proposals"
        if schedule.max_seconds is not None and state.seconds >= schedule.max_seconds:
            return "time"
        if isinstance(annealer, _core.Annealer) and not state.heats:
            energies = [row[1] for row in state.rows[state.quenched :]]
            if schedule.stalled(energies, state.level or 0.0):
                return "stall"
        return None

    def look(self, annealer: Annealer) -> None:
        """Tell how it goes, save and draw now and then, and see whether to stop."""
        self.state = replace(self.state, seconds=self.time())
        now, watcher = self.clock, self.watcher
        if now - self.told_at > _SLICE_SECONDS:
            self.told_at = now
            watcher.progress(self.fraction_done(annealer), 1.0, self.watched(annealer))
        if now - self.saved_at > _SAVE_SECONDS:
            self.saved_at = now
            watcher.save(annealer, self.best, self.state)
        if watcher.frames is not None and watcher.frames.wanted(annealer.error):
            shown = annealer.labels().reshape(self.problem.shape)
            watcher.frames.add(shown, annealer.error, self.proposals(annealer))
        if watcher.stop is not None and watcher.stop.is_set():
            raise Stopped

    def watched(self, annealer: Annealer) -> dict[str, float]:
        rows = self.state.rows
        return {
            "energy": annealer.error,
            "temperature": self.state.level or 0.0,
            "acceptance": rows[-1][3] if rows else float("nan"),
        }

    def fraction_done(self, annealer: Annealer) -> float:
        """Return the nearest of the ends, as a fraction of the way to it."""
        schedule, state, energy = self.schedule, self.state, annealer.error
        ways = [self.proposals(annealer) / max(schedule.max_proposals, 1)]
        if schedule.max_seconds:
            ways.append(state.seconds / schedule.max_seconds)
        first = state.rows[0][1] if state.rows else energy
        if schedule.tolerance > 0 and first > schedule.tolerance:
            # The energy falls about exponentially with the proposals.
            fallen = np.log(first / max(energy, schedule.tolerance))
            ways.append(float(fallen / np.log(first / schedule.tolerance)))
        return min(max(ways), 1.0)

    def finished(self, annealer: Annealer, targets: list[Target], reason: str | None) -> Outcome:
        """Prove the stage by a recount, and return what it has made."""
        state, watcher = self.state, self.watcher
        labels = annealer.labels().reshape(self.problem.shape)
        hits = [annealer.hits(index) for index in range(len(targets))]
        recount(labels, targets, hits, self.problem.periodic)
        energy, rows = annealer.error, state.rows
        if not rows or self.proposals(annealer) > rows[-1][0]:
            rows = (*rows, self.row(annealer, state.level or 0.0))
        if reason is not None:
            watcher.progress(1.0, 1.0, self.watched(annealer))
            if watcher.frames is not None:
                watcher.frames.end(labels, energy, int(rows[-1][0]))
        accepted = state.accepted + annealer.accepted
        proposals = int(rows[-1][0])
        rows = (*rows[:-1], (proposals, energy, *rows[-1][2:]))
        return Outcome(labels, energy, proposals, accepted, reason, rows, state.seconds)
