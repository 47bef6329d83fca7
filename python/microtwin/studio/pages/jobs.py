"""Jobs: all that runs, waits and has ended."""

from nicegui import ui

from microtwin.studio import widgets
from microtwin.studio.context import View


def build(view: View) -> None:
    """Build the page."""
    t = view.t
    with widgets.card():
        widgets.heading(t("jobs.queue"))
        ui.label(t("jobs.at_once", n=view.queue.at_once, folder=view.project.name)).classes("quiet")
        if not view.queue.all():
            widgets.empty(view, "jobs.empty", icon="pending_actions")
        widgets.job_list(view, (), most=40)
