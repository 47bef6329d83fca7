"""The report: one HTML file with everything in it."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from microtwin import _html
from microtwin._figures import BAND_COLOUR, length_unit
from microtwin.comparison import _figures, _pictures, verdict
from microtwin.comparison._methods import methods
from microtwin.comparison._report_data import ReportData
from microtwin.comparison.result import Comparison, Member
from microtwin.statistics._kinds import KINDS

COLUMNS = 3  # tiles in a row of examples
PAIRS = 3  # nearest samples and training windows that are shown


def render(comparison: Comparison) -> str:
    """Return the report as HTML text."""
    data = ReportData(comparison)
    return _html.render(
        "microtwin.comparison",
        "report.html.j2",
        version=comparison.versions.get("microtwin", ""),
        comparison=comparison,
        reference=comparison.reference,
        cards=[_card(comparison, m) for m in comparison.members if _flat(m)],
        volumes=[_volume(comparison, m) for m in comparison.members if _solid(m)],
        legend=[
            {"name": m.name, "style": _figures.style_of(comparison, m)} for m in comparison.members
        ],
        band_colour=BAND_COLOUR,
        curves=list(_curves(comparison, data)),
        courses=list(_courses(comparison, data)),
        conducting=list(_conducting(comparison)),
        novelties=[_novelty(comparison, m, data) for m in comparison.methods if m.novelty],
        data=data,
        paper=methods(comparison),
        verdicts=[(m, comparison.verdict(m.name)) for m in comparison.methods],
        name_of=verdict.name_of,
        quantity_of=lambda row: KINDS[row.quantity].name if row.quantity in KINDS else row.quantity,
        caveat=verdict.CAVEAT,
        surface_unit=_surface_unit(comparison),
        settings=list(_html.flattened(comparison.settings)),
        notes=comparison.settings.get("notes", ()),
        command=comparison.settings.get("command"),
    )


def _flat(member: Member) -> bool:
    return bool(member.labels) and member.labels[0].ndim == 2


def _solid(member: Member) -> bool:
    return bool(member.labels) and member.labels[0].ndim == 3


def _card(comparison: Comparison, member: Member) -> dict[str, Any]:
    """Return the pictures of one member: grey levels over phases, or phases only."""
    phases = _pictures.count_phases(comparison)
    rows = []
    count = COLUMNS if member.images else 2 * COLUMNS
    if member.images:
        tiles = _pictures.grey_levels(_pictures.evenly(member.images, count))
        rows.append(("grey levels", _html.png(_pictures.mosaic(tiles, columns=COLUMNS))))
    tiles = [
        _pictures.grey_of_labels(labels, phases)
        for labels in _pictures.evenly(member.labels, count)
    ]
    columns = min(COLUMNS, len(tiles))
    rows.append(("phases", _html.png(_pictures.mosaic(tiles, columns=columns))))
    return {"member": member, "rows": rows, "size": _size(member)}


def _size(member: Member) -> str:
    """Say how large one sample is, in metres where that is known."""
    shape = member.description.shape
    text = " × ".join(map(str, shape)) + (" voxels" if len(shape) == 3 else " pixels")
    spacing = member.description.spacing
    if spacing is None:
        return text
    unit, name = length_unit(shape[-1] * spacing[-1])
    return f"{text}, {_html.number(shape[-1] * spacing[-1] / unit)} {name} wide"


def _volume(comparison: Comparison, member: Member) -> dict[str, Any]:
    """Return a volume as a cube seen from outside, and as three slices."""
    phases = _pictures.count_phases(comparison)
    labels = member.labels[0]
    nz, ny, nx = labels.shape
    c, s = 0.866, 0.5  # of 30 degrees: an isometric view
    top, front, side = (_html.png(face) for face in _pictures.faces(labels, phases))
    places = [
        (top, nx, ny, f"matrix({c} {s} {-c} {s} {c * ny} 0)", 0.0),
        (front, nx, nz, f"matrix({c} {s} 0 1 0 {s * ny})", 0.10),
        (side, ny, nz, f"matrix({c} {-s} 0 1 {c * nx} {s * (nx + ny)})", 0.28),
    ]
    keys = ("picture", "width", "height", "transform", "shade")
    slices = map(_html.png, _pictures.middle_slices(labels, phases))
    return {
        "member": member,
        "size": _size(member),
        "width": c * (nx + ny),
        "height": s * (nx + ny) + nz,
        "faces": [dict(zip(keys, place, strict=True)) for place in places],
        "slices": list(zip("zyx", slices, strict=True)),
    }


def _curves(comparison: Comparison, data: ReportData) -> Iterable[dict[str, str]]:
    for f in comparison.reference.description.functions:
        figure = _figures.curves(comparison, f.statistic, f.phase)
        distances = "; ".join(
            f"{m.name} differs by {_html.number(d.rms, 2)} (root mean square)"
            for m in comparison.methods
            for d in m.differences
            if (d.statistic, d.phase) == (f.statistic, f.phase)
        )
        title = f"{KINDS[f.statistic].heading} of phase {f.phase} against lag"
        yield {
            "picture": _html.svg(figure),
            "alt": f"{title}: {distances}.",
            "data": data.curve(f.statistic, f.phase),
            "file": f"{f.statistic}_{f.phase}.csv",
        }


def _courses(comparison: Comparison, data: ReportData) -> Iterable[dict[str, str]]:
    twins = [twin for member in comparison.methods for twin in member.twins]
    if any(len(twin.history) > 1 for twin in twins):
        text = ", ".join(_html.number(twin.energy, 2) for twin in twins)
        yield {
            "picture": _html.svg(_figures.energies(comparison)),
            "alt": f"Energy of the annealing runs against time, falling to {text}.",
            "data": data.courses(),
            "file": "energies.csv",
        }
    for member in comparison.methods:
        if member.losses:
            yield {
                "picture": _html.svg(_figures.losses(member)),
                "alt": f"Training losses of {member.name} against the step.",
                "data": data.losses(member),
                "file": "losses.csv",
            }


def _conducting(comparison: Comparison) -> Iterable[dict[str, Any]]:
    """Return a row for each member of which it is known what its structures conduct."""
    real = comparison.reference.conducting
    for member in comparison.members:
        mine = member.conducting
        if mine is None or (real is not None and real.axes != mine.axes):
            continue
        errors = None if real is None or member is comparison.reference else mine.errors_from(real)
        known = [] if errors is None else [e for e in errors.tolist() if np.isfinite(e)]
        spread = [None] * len(mine.axes) if mine.spread is None else mine.spread.tolist()
        yield {
            "member": member,
            "axes": mine.axes,
            "cells": list(zip(mine.mean.tolist(), spread, strict=True)),
            "errors": max(known, default=None),
            "percolating": float(mine.percolating.mean()),
        }


def _novelty(comparison: Comparison, member: Member, data: ReportData) -> dict[str, Any]:
    """Return the histogram of distances to the training images, and the nearest pairs."""
    novelty = member.novelty
    assert novelty is not None
    pairs = novelty.pairs(PAIRS)
    nearest = sorted(novelty.distances)[: len(pairs)]
    return {
        "member": member,
        "novelty": novelty,
        "numbers": novelty.summary(),
        "histogram": _html.svg(_figures.novelty(comparison, member)),
        "data": data.distances(member),
        "pairs": [
            {
                "picture": _html.png(
                    _pictures.mosaic(
                        [_pictures.grey_of_labels(side, 2) for side in pair], columns=2
                    )
                ),
                "distance": distance,
            }
            for pair, distance in zip(pairs, nearest, strict=True)
        ],
    }


def _surface_unit(comparison: Comparison) -> str:
    if comparison.reference.description.spacing is None:
        return "1/pixel"
    return "1/m"
