"""What `microtwin anneal` is given: targets, weights, starts and slices, from texts and files."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microtwin.cli import _files, _options

if TYPE_CHECKING:
    from microtwin.images import ScaledImage
    from microtwin.statistics import Description


def read_target(
    paths: Sequence[Path],
    formulas: Sequence[str],
    fraction: float | None,
    phase: str | None,
    statistics: str,
    directions: str,
    max_lag: int | None,
) -> "Description":
    """Read or measure what is to be annealed to."""
    from microtwin.annealing import target_from_curves
    from microtwin.errors import InputError
    from microtwin.statistics import describe

    phases = _options.phases(phase)
    first = phases if phases is None or isinstance(phases, int) else phases[0]
    known_phase: dict[str, Any] = {} if first is None else {"phase": first}
    if formulas:
        if paths:
            raise InputError("target must not be given beside a formula")
        known = dict(_pairs(formulas, name="formula"))
        return target_from_curves(known, fraction=fraction, max_lag=max_lag, **known_phase)
    if not paths:
        raise InputError("target must be given: images, a description, a table, or --formula")
    suffixes = {path.suffix.lower() for path in paths}
    if suffixes & {".csv", ".json"}:
        if len(paths) > 1:
            raise InputError(f"target must be one description or table, not {len(paths)} files")
        if suffixes == {".csv"} and _is_plain_table(paths[0]):
            return target_from_curves(paths[0], fraction=fraction, max_lag=max_lag, **known_phase)
        _no_fraction(fraction)
        description = _files.read_description(paths[0])
        assert description is not None
        if phases is None or first is None:
            return description
        wanted = (phases,) if isinstance(phases, int) else phases
        for one in wanted:
            description.of(one)  # there it is, or there is an error
        functions = tuple(f for f in description.functions if f.phase in wanted)
        return replace(description.of(first), functions=functions)
    _no_fraction(fraction)
    images = _files.read_labels(paths)
    return describe(
        images,
        phase=phases,
        statistics=_options.names(statistics),
        directions=_options.names(directions),
        max_lag=max_lag,
    )


def _no_fraction(fraction: float | None) -> None:
    from microtwin.errors import InputError

    if fraction is not None:
        raise InputError("fraction must be given for a formula or a table only")


def _is_plain_table(path: Path) -> bool:
    """Tell curves that somebody wrote from descriptions, by the first line."""
    from microtwin.errors import InputError

    try:
        with path.open(encoding="utf-8") as file:
            first = file.readline()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"target must be a readable file; {path}: {error}") from None
    return first.strip().lower().startswith("lag")


def _pairs(texts: Sequence[str], *, name: str) -> list[tuple[str, str]]:
    from microtwin.errors import InputError

    pairs = [text.split("=", 1) for text in texts]
    for pair, text in zip(pairs, texts, strict=True):
        if len(pair) != 2:
            raise InputError(f"{name} must be like two_point=..., not {text!r}")
    return [(key.strip(), value.strip()) for key, value in pairs]


def read_weights(text: str | None) -> dict[str, float] | None:
    if text is None:
        return None
    pairs = _pairs(text.split(","), name="weights")
    return {key: _options.number(value, name=f"the weight of {key}") for key, value in pairs}


def read_start(text: str) -> Any:
    """Return the name of a start, or the structure in a file."""
    path = Path(text)
    return _files.read_labels([path])[0] if path.suffix else text


def read_slices(texts: Sequence[str], shape: Sequence[int]) -> Any:
    """Put measured slices where they belong in a volume."""
    import numpy as np

    from microtwin.errors import InputError

    if not texts:
        return None
    fixed = np.full(shape, -1, np.int16)
    for text in texts:
        parts = text.split(":", 2)
        if len(parts) != 3:
            raise InputError(f"slice must be axis:index:file, such as 0:32:slice.png, not {text!r}")
        axis, index = (_options.integer(part, name="slice") for part in parts[:2])
        if not 0 <= axis < len(shape) or not 0 <= index < shape[axis]:
            raise InputError(f"slice must be inside the shape {tuple(shape)}, not {text!r}")
        image: ScaledImage = _files.read_labels([Path(parts[2])])[0]
        place = tuple(index if k == axis else slice(None) for k in range(len(shape)))
        if image.shape != fixed[place].shape:
            raise InputError(
                f"slice must have the shape {fixed[place].shape} across axis {axis}, "
                f"not {image.shape}"
            )
        crossed = fixed[place]
        if ((crossed >= 0) & (crossed != image)).any():
            raise InputError(f"slice must agree with the slices that it crosses; {text!r} does not")
        fixed[place] = image
    return fixed
