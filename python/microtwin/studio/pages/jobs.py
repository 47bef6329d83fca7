"""Jobs: all that runs, waits and has ended."""

from nicegui import ui

from microtwin.studio import job_cards, widgets
from microtwin.studio.context import View


def build(view: View) -> None:
    """Build the page."""
    t = view.t
    with widgets.card():
        widgets.heading(t("jobs.queue"))
        ui.label(t("jobs.at_once", n=view.queue.at_once, folder=view.project.name)).classes("quiet")
        job_cards.show(view, (), most=40, none=t("jobs.empty"))
