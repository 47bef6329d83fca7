"""Comparisons to JSON-ready objects and back."""

from typing import Any

import numpy as np

from microtwin.annealing import History
from microtwin.comparison._conducting import Conducting
from microtwin.comparison.difference import Difference
from microtwin.comparison.originality import Novelty
from microtwin.comparison.ranking import Row
from microtwin.comparison.result import FORMAT, Comparison, Member, TwinRecord
from microtwin.statistics import Description

Record = dict[str, Any]

_HISTORY = ("proposals", "energies", "temperatures", "acceptances", "seconds")


def to_record(comparison: Comparison) -> Record:
    """Return all of a comparison but its pictures."""
    return {
        "format": FORMAT,
        "versions": dict(comparison.versions),
        "settings": dict(comparison.settings),
        "reference": _member(comparison, comparison.reference),
        "methods": [_member(comparison, method) for method in comparison.methods],
        "rows": [row.to_record() for row in comparison.rows],
    }


def from_record(record: Record) -> dict[str, Any]:
    """Return the arguments of the comparison that `to_record` wrote."""
    return {
        "reference": _restored(record["reference"]),
        "methods": tuple(_restored(method) for method in record["methods"]),
        "rows": tuple(map(Row.from_record, record.get("rows", ()))),  # not in older files
        "settings": record["settings"],
        "versions": record["versions"],
    }


def summary(comparison: Comparison) -> Record:
    """Return the figures that tell most, without the curves."""
    return {
        "versions": dict(comparison.versions),
        "settings": dict(comparison.settings),
        "reference": _summary(comparison, comparison.reference),
        "methods": {
            method.name: {
                **_summary(comparison, method),
                "differences": [d.to_record() for d in method.differences],
            }
            for method in comparison.methods
        },
        "rows": [{**row.to_record(), "verdict": row.verdict()} for row in comparison.rows],
    }


def _summary(comparison: Comparison, member: Member) -> Record:
    reference = comparison.reference
    result: Record = {
        "samples": member.samples,
        "fractions": {
            str(phase): {
                "value": member.description.fraction(phase),
                "spread": member.description.fraction_spread(phase),
            }
            for phase in reference.description.phases
        },
        "specific_surface": {
            "value": _number(comparison.surface(member)),
            "spread": _number(comparison.surface_spread(member)),
        },
        "seconds": member.seconds,
        "seconds_each": member.seconds_each,
        "training_seconds": member.training_seconds,
        "memory": member.memory,
    }
    if member is not reference:
        result |= {
            "verdict": comparison.verdict(member.name),
            "inside": member.inside,
            "rms": member.rms,
            "rms_in_errors": member.rms_in_errors,
            "variety": member.variety(reference),
        }
    if member.novelty is not None:
        result["novelty"] = member.novelty.summary()
    if member.conducting is not None:
        spread = member.conducting.spread
        result["relative_conductivity"] = {
            axis: {
                "value": float(member.conducting.mean[i]),
                "spread": None if spread is None else float(spread[i]),
                "percolating": float(member.conducting.percolating[i]),
            }
            for i, axis in enumerate(member.conducting.axes)
        }
    return result


def _member(comparison: Comparison, member: Member) -> Record:
    return {
        "name": member.name,
        "kind": member.kind,
        "summary": _summary(comparison, member),
        "differences": [d.to_record() for d in member.differences],
        "description": member.description.to_record(),
        "surfaces": [_number(s) for s in member.surfaces],
        "twins": [_twin(twin) for twin in member.twins],
        "losses": {name: [_number(v) for v in values] for name, values in member.losses.items()},
        "seeds": list(member.seeds),
        "seconds": member.seconds,
        "training_seconds": member.training_seconds,
        "memory": member.memory,
        "novelty": None if member.novelty is None else member.novelty.to_record(),
        "conducting": None if member.conducting is None else member.conducting.to_record(),
        "numbers": {name: [_number(v) for v in values] for name, values in member.numbers.items()},
    }


def _restored(record: Record) -> Member:
    novelty = record.get("novelty")  # not in older files
    conducting = record.get("conducting")  # nor this
    return Member(
        name=record["name"],
        kind=record["kind"],
        description=Description.from_record(record["description"]),
        surfaces=np.array(_floats(record["surfaces"]), dtype=np.float64),
        differences=tuple(map(Difference.from_record, record["differences"])),
        twins=tuple(_restored_twin(twin) for twin in record["twins"]),
        losses={name: tuple(_floats(values)) for name, values in record["losses"].items()},
        seeds=tuple(record["seeds"]),
        seconds=record["seconds"],
        training_seconds=record.get("training_seconds", 0.0),
        memory=record.get("memory"),
        novelty=None if novelty is None else Novelty.from_record(novelty),
        conducting=None if conducting is None else Conducting.from_record(conducting),
        numbers={
            name: np.array(_floats(values), dtype=np.float64)
            for name, values in record.get("numbers", {}).items()
        },
    )


def _twin(twin: TwinRecord) -> Record:
    names = ("energy", "proposals", "accepted", "seconds", "stop_reason", "seed")
    course = {name: getattr(twin.history, name).tolist() for name in _HISTORY}
    about = {name: getattr(twin, name) for name in names}
    return {"shape": list(twin.shape), **about, "history": course}


def _restored_twin(record: Record) -> TwinRecord:
    course = record["history"]
    columns = [np.array(course[name], dtype=np.float64) for name in _HISTORY]
    history = History(columns[0].astype(np.int64), *columns[1:])
    return TwinRecord(**{**record, "shape": tuple(record["shape"]), "history": history})


def _number(value: float | None) -> float | None:
    """Return a float that JSON knows, None for NaN."""
    return None if value is None or not np.isfinite(value) else float(value)


def _floats(values: list[float | None]) -> list[float]:
    return [np.nan if value is None else value for value in values]
