"""`microtwin compare`: made structures against real ones."""

from pathlib import Path
from typing import Annotated, Any

import typer

from microtwin.cli import _comparing, _console, _files, _options


def command(
    reference: Annotated[
        Path, typer.Argument(help="Real images: a file, a folder, or a description (.json, .csv).")
    ],
    methods: Annotated[
        list[str],
        typer.Option(
            "--with", metavar="NAME=PATH", help="Structures to compare; may be given many times."
        ),
    ],
    output: _comparing.Outputs = None,
    training: Annotated[
        list[Path] | None,
        typer.Option(
            "--training",
            help="Images that the structures were learned from, to judge memorising and diversity "
            "by; may be given many times.",
        ),
    ] = None,
    statistics: Annotated[
        str | None,
        typer.Option(
            help="Curves to compare: two_point,lineal_path unless given; also cluster, "
            "chord_length, pore_size, local_thickness, surface_void, surface_surface."
        ),
    ] = None,
    k: Annotated[
        str | None,
        typer.Option(
            "--k", help="Conductivity of each label, 0=0,1=1: compare what they conduct as well."
        ),
    ] = None,
    phase: _options.Phase = None,
    max_lag: _options.MaxLag = None,
    periodic: _options.Periodic = False,
    spacing: _options.Spacing = None,
    stack: _options.Stack = False,
    crop_info_bar: _options.CropInfoBar = "no",
    channel: _options.Channel = None,
    threads: _options.Threads = None,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Measure structures of several origins alike and hold them against real ones."""
    from microtwin.comparison import compare

    outputs = _comparing.checked(output, default="report.html")
    options: dict[str, Any] = {
        "stack": stack,
        "channel": channel,
        "crop_info_bar": _options.rows_to_crop(crop_info_bar),
    }
    named = dict(_named(text) for text in methods)
    real = _files.read_description(reference) or _files.read_labels([reference], **options)
    made = {name: _files.read_labels([path], **options) for name, path in named.items()}
    result = compare(
        made,
        reference=real,
        statistics=None if statistics is None else _options.names(statistics),
        phase=_options.phases(phase),
        max_lag=max_lag,
        periodic=periodic,
        spacing=_options.numbers(spacing, name="spacing"),
        conductivities=None if k is None else _options.conductivities(k),
        training=_files.read_labels(training, **options) if training else None,
        settings={
            "source": f"{reference} against {', '.join(map(str, named.values()))}",
        },
        threads=threads,
        device=device,
    )
    _comparing.write(result, outputs)
    if as_json:
        _console.write_json({"output": [str(path) for path in outputs], **result.summary()})
        return
    for method in result.methods:
        typer.echo(f"{method.name}: {result.verdict(method.name)}")
        if method.novelty:
            typer.echo(f"{method.name}: {method.novelty.verdict}")
    typer.echo(f"Written: {', '.join(map(str, outputs))}")


def _named(text: str) -> tuple[str, Path]:
    from microtwin.errors import InputError

    name, sign, path = text.partition("=")
    if not (name and sign and path):
        raise InputError(f"--with must be NAME=PATH, not {text!r}")
    return name, Path(path)
