"""Phases: from grey levels to labels, before and after side by side."""

import asyncio
import base64

from nicegui import ui

from microtwin.errors import InputError
from microtwin.phases import METHODS
from microtwin.studio import job_cards, previews, waiting, widgets
from microtwin.studio.context import View, catalogue, number_of, usable
from microtwin.studio.layout import Text
from microtwin.studio.widgets import Problem


def build(view: View) -> None:
    """Build the page."""
    t = view.t
    files = [entry.path for entry in view.rows]
    if not files:
        with widgets.card():
            widgets.empty(view, "phases.empty", link="/", icon="add_photo_alternate")
        return
    names = {view.project.relative(file): file.name for file in files}
    asked = {"count": 0}
    with ui.element("div").classes("aside"):
        with widgets.card():
            widgets.heading(t("phases.how"))
            with ui.element("div").classes("form"):
                image = widgets.select(names, t("phases.image"), value=next(iter(names)))
                method = widgets.select(
                    {name: t(f"phases.{name}") for name in METHODS}, t("phases.method"),
                    value="otsu",
                )  # fmt: skip
                classes = widgets.number(
                    t("phases.classes"), 2, min=2, max=8, format="%d"
                ).bind_visibility_from(method, "value", value="multi_otsu")
                with ui.element("div"):
                    ui.label(t("phases.smooth")).classes("quiet")
                    smooth = ui.slider(min=0, max=4, step=0.25, value=0).props(
                        f'label snap aria-label="{t("phases.smooth")}"'
                    )
                flatten = ui.switch(t("phases.flatten"))
                by_hand = ui.switch(t("phases.by_hand"))
                with ui.element("div").bind_visibility_from(by_hand, "value"):
                    ui.label(t("phases.threshold")).classes("quiet")
                    level = ui.slider(min=0, max=255, step=1, value=128).props(
                        f'label-always aria-label="{t("phases.threshold")}"'
                    )
            problem = Problem()

            async def segment() -> None:
                rows = await waiting.read_or_raise(catalogue, view.project)
                paths = usable(view.project, rows)
                command = ["segment", *paths, "-o", "phases", *view.project.read_settings().options]
                command += [f"--method={method.value}", f"--smooth={float(smooth.value)}", "--json"]
                if method.value == "multi_otsu":
                    command.append(f"--classes={widgets.whole(view, classes)}")
                if flatten.value:
                    command.append("--flatten")
                if by_hand.value:
                    command.append(f"--threshold={float(level.value)}")
                many = number_of(paths, rows)
                widgets.start(view, command, title=t("phases.job", n=many), output="phases")

            widgets.button(t("phases.all"), problem.guards(segment), icon="contrast")
            ui.label(t("phases.all.hint")).classes("quiet")
            job_cards.show(view, ("segment",), most=2)
        with widgets.card():
            widgets.heading(t("phases.preview"))
            wrong = Problem()
            with ui.element("div").classes("columns"):
                with ui.element("figure"):
                    before = widgets.picture("", t("phases.before"))
                    Text("figcaption", t("phases.before"))
                with ui.element("figure"):
                    after = widgets.picture("", t("phases.after"))
                    Text("figcaption", t("phases.after"))
            legend = ui.element("div").classes("legend")
            note = ui.label().classes("quiet")

    async def preview() -> None:
        asked["count"] += 1
        mine = asked["count"]
        # Settled first: a slider that is pulled asks many times.
        if by_hand.value or smooth.value:
            await asyncio.sleep(0.15)
            if mine != asked["count"]:
                return
        try:
            file = view.project.existing(image.value)
        except InputError as error:  # removed meanwhile
            wrong.show(str(error))
            return
        found, reason = await waiting.compute(
            previews.segmented, file,
            crop=view.project.read_settings().rows_to_crop, method=method.value,
            classes=int(classes.value or 2) if method.value == "multi_otsu" else 2,
            smooth=float(smooth.value), flatten=bool(flatten.value),
            threshold=float(level.value) if by_hand.value else None,
        )  # fmt: skip
        if mine != asked["count"]:  # another one has been asked for meanwhile
            return
        if found is None:
            wrong.show(reason)
            return
        wrong.clear()
        before.props(f'src="{_data(found.before)}"')
        after.props(f'src="{_data(found.after)}"')
        step = 1.0 if found.high - found.low > 50 else (found.high - found.low) / 200
        level.props(f"min={found.low:g} max={found.high:g} step={step:g}")
        if found.threshold is not None and not by_hand.value:
            level.set_value(round(found.threshold, 4))
        note.set_text(
            "" if found.threshold is None else t("phases.level", level=f"{found.threshold:.4g}")
        )
        legend.clear()
        with legend:
            widgets.swatches(view, found.fractions)

    for part in (image, method, classes, smooth, flatten, by_hand):
        part.on_value_change(preview)
    level.on_value_change(lambda: preview() if by_hand.value else None)
    ui.timer(0.1, preview, once=True)


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
