"""A structure from all sides: a body that turns and is cut open, slices, and the phases named."""

from typing import Any

from nicegui import ui

from microtwin.studio import meshes, pictures, previews, waiting, widgets
from microtwin.studio.context import View
from microtwin.studio.layout import Text
from microtwin.studio.widgets import Problem

AXES = "zyx"


class Viewer:
    """Shows one file of the project.

    Parameters
    ----------
    view : View
        The page.
    path : str
        The structure, relative to the project.
    """

    def __init__(self, view: View, path: str) -> None:
        self.view, self.path = view, path
        self._file = view.project.existing(path)
        self._asked = 0
        self._shape: tuple[int, ...] = ()
        self._box = ui.element("div").classes("stack wide-gap")
        with self._box:
            self._wait = ui.label(view.t("viewer.wait")).classes("quiet").props('role="status"')
            self._problem = Problem()
        ui.timer(0.05, self._open, once=True)

    async def _open(self) -> None:
        cache = self.view.project.hidden("meshes")
        about, reason = await waiting.compute(previews.looked_at, self._file, cache)
        self._wait.set_visibility(False)
        if about is None:
            self._problem.show(reason)
            return
        shape, self._fractions = about
        self._shape = shape
        with self._box:
            if len(shape) == 3 and self._fractions:
                self._solid()
                self._slices()
            else:
                self._slices()
            if self._fractions:
                with ui.element("div").classes("legend"):
                    widgets.swatches(self.view, self._fractions)
            with ui.element("div").classes("line"):
                widgets.downloads(self.view, self.path)

    def _solid(self) -> None:
        t = self.view.t
        with ui.element("div").classes("stack"):
            self._scene = ui.scene(
                width=560, height=420, grid=False, background_color="#f2f4f6", fps=30
            )
            self._scene.classes("scene").props(f'role="img" aria-label="{t("viewer.solid")}"')
            half = meshes.EDGE / 2
            self._scene.move_camera(
                x=1.25 * meshes.EDGE, y=-0.7 * meshes.EDGE, z=1.05 * meshes.EDGE,
                look_at_x=half, look_at_y=half, look_at_z=0.8 * half, duration=0,
            )  # fmt: skip
            options = {k: t("viewer.phase", phase=k) for k in self._fractions}
            start = [meshes.shown_first(self._fractions)]
            with ui.element("div").classes("form"):
                self._phases = widgets.select(
                    options, t("viewer.phases"), value=start, multiple=True,
                    on_change=self._draw,
                ).props("use-chips")  # fmt: skip
                with ui.element("div"):
                    ui.label(t("viewer.cut")).classes("quiet")
                    self._cut = ui.slider(min=0.05, max=1, step=0.05, value=1).props(
                        f'aria-label="{t("viewer.cut")}"'
                    )
                    self._cut.on("change", self._draw, args=[])
            with ui.element("div").classes("line"):
                for name, (x, y, z) in {
                    "viewer.front": (0.5, -1.2, 0.5), "viewer.top": (0.5, 0.49, 2.0),
                    "viewer.corner": (1.25, -0.7, 1.05),
                }.items():  # fmt: skip
                    widgets.button(t(name), self._looks_from(x, y, z), main=False)
            self._told = ui.label(t("viewer.wait")).classes("quiet").props('role="status"')
            ui.label(t("viewer.turn")).classes("quiet")
        ui.timer(0.05, self._draw, once=True)

    def _looks_from(self, x: float, y: float, z: float) -> Any:
        edge = meshes.EDGE

        def move() -> None:
            self._scene.move_camera(
                x=x * edge, y=y * edge, z=z * edge, look_at_x=edge / 2, look_at_y=edge / 2,
                look_at_z=0.4 * edge, duration=0.3,
            )  # fmt: skip

        return move

    async def _draw(self) -> None:
        self._asked += 1
        mine = self._asked
        t, cut = self.view.t, float(self._cut.value)
        wanted = tuple(int(phase) for phase in self._phases.value)
        if not wanted:
            self._scene.clear()
            return
        cache = self.view.project.hidden("meshes")
        found, reason = await waiting.compute(previews.solid, self._file, cache, wanted, cut)
        if mine != self._asked:
            return
        if found is None:
            self._problem.show(reason)
            return
        self._problem.clear()
        stamp = widgets.version(self._file)
        width, depth, height = found["size"]
        with self._scene as scene:
            scene.clear()
            scene.spot_light(intensity=0.9).move(20, -20, 30)
            for phase in found["faces"]:
                address = widgets.url(
                    "/mesh", path=self.path, phase=phase, cut=f"{cut:.4f}", v=stamp
                )
                red, green, blue = pictures.COLOURS[phase % pictures.MOST_PHASES]
                scene.stl(address).material(f"#{red:02x}{green:02x}{blue:02x}")
            if cut < 1:  # the plane of the cut shows all phases
                address = widgets.url(
                    "/slice", path=self.path, axis=0, at=f"{cut:.4f}", pattern="true", v=stamp
                )
                top = height + 0.01
                scene.texture(
                    address,
                    [[[0, depth, top], [width, depth, top]], [[0, 0, top], [width, 0, top]]],
                )
        faces = sum(found["faces"].values())
        key = "viewer.coarse" if found["block"] > 1 else "viewer.fine"
        self._told.set_text(
            t(key, shape=" × ".join(map(str, found["shape"])), faces=f"{faces:,}",
              block=found["block"])
        )  # fmt: skip
        self._told.props(f'data-faces="{faces}"')

    def _slices(self) -> None:
        t, volume = self.view.t, len(self._shape) == 3
        with ui.element("div").classes("columns"):
            with ui.element("figure"):
                shown = widgets.picture(self._slice(0, 0.5, False), t("viewer.slice"))
                told = Text("figcaption", "")
            axis = at = pattern = None
            with ui.element("div").classes("stack"):
                if volume:
                    axis = widgets.select(
                        {str(i): t("viewer.across", axis=AXES[i]) for i in range(3)},
                        t("viewer.axis"), value="0",
                    )  # fmt: skip
                    with ui.element("div"):
                        ui.label(t("viewer.position")).classes("quiet")
                        at = ui.slider(min=0, max=1, step=0.01, value=0.5).props(
                            f'aria-label="{t("viewer.position")}"'
                        )
                if self._fractions:
                    pattern = ui.switch(t("viewer.pattern"))

            def change() -> None:
                along = int(axis.value) if axis else 0
                place = float(at.value) if at else 0.5
                shown.props(f'src="{self._slice(along, place, bool(pattern and pattern.value))}"')
                if volume:
                    last = self._shape[along] - 1
                    told.set_text(t("viewer.at", n=round(place * last), last=last))

            change()
            for part in (axis, at, pattern):
                if part is not None:
                    part.on_value_change(change)

    def _slice(self, axis: int, at: float, pattern: bool) -> str:
        return widgets.url(
            "/slice", path=self.path, axis=axis, at=f"{at:.4f}", pattern=str(pattern).lower(),
            v=widgets.version(self._file),
        )  # fmt: skip
