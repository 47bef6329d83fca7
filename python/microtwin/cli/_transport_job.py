"""What `microtwin transport` does with each file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from microtwin.cli import _options
from microtwin.cli._transport_rows import Row, Table
from microtwin.errors import InputError

if TYPE_CHECKING:
    from microtwin.images import ScaledImage
    from microtwin.transport import Conduction

AXES = "zyx"


@dataclass
class Job:
    """What is to be done with every file."""

    conducts: dict[str, Any]
    axes: str
    tensor: bool
    geometry: bool
    threshold: float | None
    stack: bool
    reading: dict[str, Any]
    solving: dict[str, Any]
    fields: bool = False
    levels: list[float] = field(default_factory=list)
    last: "Conduction | None" = None

    def try_out(self) -> None:
        """Refuse options that are wrong whatever is in the files."""
        from microtwin.transport import effective_conductivity

        axes_of(self.axes, 3)
        k = self.conducts.get("k", {1: 1.0})
        effective_conductivity([[next(iter(k))] * 2] * 2, k, **self.solving)

    def run(self, path: Path, table: Table, tell: Callable[[float], None]) -> None:
        """Add the rows of a file that are not there yet; tell how much of it is done."""
        ndim = None if self.stack else table.ndim(str(path))
        if ndim and all(table.has(str(path), AXES[-ndim:][a]) for a in axes_of(self.axes, ndim)):
            return
        structures = self._structures(path)
        for i, (name, labels, level) in enumerate(structures):
            axes = axes_of(self.axes, labels.ndim)
            names = [AXES[-labels.ndim :][a] for a in axes]
            left = [a for a, n in zip(axes, names, strict=True) if not table.has(name, n)]

            def within(part: float, before: int = i) -> None:
                tell((before + part) / len(structures))

            for row in self._rows(labels, left, within):
                table.add({"file": name, "threshold": level, **row})
            within(1)

    def _structures(self, path: Path) -> "list[tuple[str, ScaledImage, float | None]]":
        """Read labels, or grey levels and cut them; a stack is as many as it has pages."""
        from microtwin.comparison.labelled import as_labels
        from microtwin.images import read_image
        from microtwin.images.scaled import scaled_like
        from microtwin.phases import threshold_of

        image = read_image(path, **self.reading)
        several = self.stack and image.ndim == 3
        found: list[tuple[str, ScaledImage, float | None]] = []
        for i, part in enumerate(image if several else [image]):
            name = f"{path}[{i}]" if several else str(path)
            labels, level = as_labels(part), None
            if labels is None:
                level = self.threshold
                if level is None:
                    level = float(threshold_of(part))
                    self.levels.append(level)
                labels = scaled_like((part > level).astype("uint8"), part)
            found.append((name, labels, level))
        return found

    def _rows(
        self, labels: "ScaledImage", axes: Sequence[int], tell: Callable[[float], None]
    ) -> Iterator[Row]:
        from microtwin.transport import effective_conductivity, effective_tensor

        if not axes:
            return
        k = self._conductivities(labels)
        if self.tensor:
            begin = perf_counter()
            result = effective_tensor(
                labels, k, fields=False, progress=lambda n, of, _: tell(n / of), **self.solving
            )
            seconds = (perf_counter() - begin) / labels.ndim
            extra = {
                "principal_values": " ".join(f"{v:.8g}" for v in result.principal_values),
                "asymmetry": result.asymmetry,
            }
            for a in axes:
                geometry = self._geometry(labels, k, a)
                yield _row(result.solutions[a], seconds) | extra | geometry
            return
        for number, a in enumerate(axes):
            begin = perf_counter()
            fields = self.fields and len(axes) == 1

            def within(
                done: float, total: float, values: Mapping[str, float], before: int = number
            ) -> None:
                tell((before + done / total) / len(axes))

            one = effective_conductivity(
                labels, k, axis=a, fields=fields, progress=within, **self.solving
            )
            seconds = perf_counter() - begin
            self.last = one if fields else None
            yield _row(one, seconds) | self._geometry(labels, k, a)

    def _conductivities(self, labels: "ScaledImage") -> dict[int, float]:
        from microtwin.transport._inputs import conductors

        if "k" in self.conducts:
            return dict(self.conducts["k"])
        return conductors(self.conducts["phase"], labels, 1.0)

    def _geometry(self, labels: "ScaledImage", k: dict[int, float], axis: int) -> Row:
        """Measure all that conducts as one phase."""
        import numpy as np

        from microtwin.images.scaled import scaled_like
        from microtwin.transport import (
            geodesic_tortuosity,
            percolating_fraction,
            permeability_estimate,
        )

        if not self.geometry:
            return {}
        conducting = [label for label, value in k.items() if value > 0]
        mine = scaled_like(np.isin(labels, conducting).astype(np.uint8), labels)
        paths = geodesic_tortuosity(mine, phase=1, axis=axis)
        mixed = 0 < int(mine.sum()) < mine.size
        return {
            "geodesic_tortuosity": paths.mean,
            "geodesic_spread": paths.spread,
            "geodesic_minimum": paths.minimum,
            "percolating_fraction": percolating_fraction(mine, phase=1, axis=axis),
            "permeability_estimate": permeability_estimate(mine, phase=1).value if mixed else None,
        }


def read_conductors(k: str | None, phase: str | None) -> dict[str, Any]:
    """Read what conducts: a number for each label, or labels that do."""
    if (k is None) == (phase is None):
        raise InputError("say what conducts: either --k 0=0,1=1 or --phase 1")
    if phase is not None:
        return {"phase": _options.integers(phase, name="phase")}
    return {"k": _options.conductivities(str(k))}


def axes_of(text: str, ndim: int) -> list[int]:
    """Return the axes that a text names."""
    names = AXES[-ndim:]
    if text == "all":
        return list(range(ndim))
    found = []
    for part in text.split(","):
        name = part.strip()
        if name in names:
            found.append(names.index(name))
        elif name.isdigit() and int(name) < ndim:
            found.append(int(name))
        else:
            known = ", ".join([*names, *map(str, range(ndim))])
            raise InputError(f"axis must be all or of {known}; not {text!r}")
    return list(dict.fromkeys(found))


def _row(result: "Conduction", seconds: float) -> Row:
    row = result.to_row()
    row["spacing"] = None if result.spacing is None else result.spacing[0]
    return {**row, "seconds": round(seconds, 4)}
