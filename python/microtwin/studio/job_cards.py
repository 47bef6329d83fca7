"""Jobs on a page: what runs and waits, how far it is, and what can be done about it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from nicegui import ui

from microtwin.studio import widgets
from microtwin.studio.context import View
from microtwin.studio.jobs import Job, Step, last_step, steps
from microtwin.studio.jobs import job as jobs
from microtwin.studio.layout import Text

ICONS = {
    jobs.QUEUED: "schedule", jobs.STARTING: "hourglass_top", jobs.RUNNING: "autorenew",
    jobs.STOPPING: "pause_circle", jobs.DONE: "check_circle", jobs.STOPPED: "pause_circle",
    jobs.FAILED: "error", jobs.LOST: "help",
}  # fmt: skip


class Details(Protocol):
    """What a page adds to a job's card."""

    def update(self, job: Job) -> None:
        """Show how the job stands now."""


def show(
    view: View,
    kinds: Sequence[str],
    *,
    most: int = 6,
    details: "Callable[[View, Job], Details] | None" = None,
    none: str = "",
) -> None:
    """Show the newest jobs of some kinds, and how far they are, as long as the page is open."""
    with ui.element("div").classes("stack") as box:
        pass
    shown: dict[int, _Card] = {}
    known: list[tuple[int, float]] | None = None

    def look() -> None:
        nonlocal known
        found = [job for job in view.queue.all() if not kinds or job.kind in kinds][:most]
        # The number of the last job is given again once it is removed.
        listed = [(job.number, job.created) for job in found]
        if known != listed:
            known = listed
            box.clear()
            shown.clear()
            with box:
                if not found:
                    ui.label(none or view.t("jobs.none")).classes("quiet")
                for job in found:
                    shown[job.number] = _Card(view, job, details)
        for job in found:
            shown[job.number].update(job)

    look()
    ui.timer(1.0, look)


class _Card:
    """One job: state, progress, log, and what can be done about it."""

    def __init__(
        self, view: View, job: Job, details: "Callable[[View, Job], Details] | None"
    ) -> None:
        self._view = view
        self._seen: tuple[Job, Step | None] | None = None
        t = view.t
        self._folder = view.queue.folder_of(job.number)
        with ui.element("article").classes("job").props(f'data-job="{job.number}"'):
            with ui.element("div").classes("line apart"):
                ui.label(f"#{job.number} · {job.title}").style("font-weight:600")
                with ui.element("span").classes("state") as self._state:
                    self._icon = ui.icon("schedule").props('aria-hidden="true"')
                    self._word = ui.label().props('aria-live="polite"')
            self._bar = ui.linear_progress(value=0, show_value=False, size="8px").props(
                f'rounded aria-label="{t("jobs.progress")}"'
            )
            self._told = ui.label().classes("quiet")
            self._problem = widgets.Problem()
            with ui.element("div").classes("line"):
                act = self._problem.guards
                stop = t("jobs.pause") if job.kind in jobs.RESUMED else t("jobs.stop")
                self._stop = widgets.button(
                    stop, act(lambda: view.queue.stop(job.number)), icon="pause", main=False
                )
                self._resume = widgets.button(
                    t("jobs.resume"), act(lambda: view.queue.resume(job.number)),
                    icon="play_arrow", main=False,
                )  # fmt: skip
                self._remove = widgets.button(
                    t("jobs.remove"), act(lambda: view.queue.remove(job.number)),
                    icon="delete_outline", main=False,
                )  # fmt: skip
                self._files = ui.element("span")
            with ui.expansion(t("jobs.log")).props("dense") as self._open:
                Text("code", f"microtwin {' '.join(job.command)}"[:1500])
                self._log = (
                    Text("pre", "")
                    .classes("log")
                    .props(f'tabindex="0" aria-label="{t("jobs.log")}"')
                )
            self._details = None if details is None else details(view, job)

    def update(self, job: Job) -> None:
        """Show how it stands now."""
        step = last_step(self._folder)
        if self._open.value:
            said = jobs.tail(self._folder / "log.txt")
            if said != self._log.text:
                self._log.set_text(said)
        if self._details is not None:
            self._details.update(job)
        signature = (job, step)
        if signature == self._seen:
            return
        self._seen = signature
        t = self._view.t
        self._state.classes(replace=f"state {job.state}")
        self._icon.props(f'name="{ICONS[job.state]}"')
        word = t("jobs.state.no") if job.answer_is_no else t(f"jobs.state.{job.state}")
        self._word.set_text(word)
        active = job.state in jobs.ACTIVE
        self._bar.set_visibility(active)
        self._bar.set_value(0.0 if step is None else round(step.share, 3))
        self._told.set_text(_progress(self._view, job, step))
        if job.state in (jobs.FAILED, jobs.LOST):
            self._problem.show(job.message or t("jobs.lost"))
        elif job.answer_is_no and job.message:
            self._problem.show(job.message, note=True)
        else:
            self._problem.clear()
        self._stop.set_visibility(not job.over)
        self._stop.set_text(self._stop_text(job))
        self._resume.set_visibility(job.resumable)
        self._remove.set_visibility(job.over)
        self._files.clear()
        if job.over and job.output and (self._view.project.root / job.output).exists():
            with self._files:
                widgets.downloads(self._view, job.output, see=True)

    def _stop_text(self, job: Job) -> str:
        if job.state == jobs.STOPPING:
            return self._view.t("jobs.kill")
        return self._view.t("jobs.pause" if job.kind in jobs.RESUMED else "jobs.stop")


def _progress(view: View, job: Job, step: Step | None) -> str:
    """Tell how far a job is in words: stage, share, what is left, what is worth watching."""
    t = view.t
    if job.over:
        if job.ended is None:
            return ""
        when = datetime.fromtimestamp(job.ended).strftime("%Y-%m-%d %H:%M")
        took = "" if job.started is None else duration(job.ended - job.started)
        return t("jobs.ended", when=when, took=took)
    if step is None or job.state == jobs.QUEUED:
        return t("jobs.soon") if job.state == jobs.QUEUED else t("jobs.preparing")
    parts = [f"{100 * step.share:.0f} %"]
    left = _left(job, steps(view.queue.folder_of(job.number)))
    if left is not None:
        parts.append(t("jobs.left", time=duration(left)))
    parts += [f"{name} {value:.3g}" for name, value in list(step.values.items())[:4]]
    return " · ".join(parts)


def _left(job: Job, found: list[Step]) -> float | None:
    """Return the seconds left of a stage, from how fast it has been since this start."""
    mine = [one for one in found if one.time >= (job.started or 0.0)]
    if not mine:
        return None
    last = mine[-1]
    first = next(one for one in mine if one.stage == last.stage)
    gained, spent = last.share - first.share, last.time - first.time
    return spent * (1 - last.share) / gained if gained > 0.01 else None


def duration(seconds: float) -> str:
    """Return a time in the unit it is best read in."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
