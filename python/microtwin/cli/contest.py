"""`microtwin contest`: annealing and generators make structures, and are ranked by real ones."""

from pathlib import Path
from typing import Annotated, Any

import typer

from microtwin.cli import _comparing, _console, _files, _options


def command(
    training: Annotated[
        list[Path], typer.Argument(help="Labels to learn from: files or folders of images.")
    ],
    held_out: Annotated[
        list[Path],
        typer.Option("--held-out", help="Labels to judge by; may be given many times."),
    ],
    gan: Annotated[
        list[Path] | None,
        typer.Option(
            "--gan",
            help="Run of `microtwin train` on the training part; more of them, of other seeds, "
            "share the samples. Without one only annealing takes part.",
        ),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help="With commas between: annealed S2, annealed S2+L, annealed S2+L+p+C2, GAN, "
            "GAN screened, GAN annealed."
        ),
    ] = None,
    shape: Annotated[
        str | None, typer.Option(help="Of the structures, 64,64,64; what fits unless given.")
    ] = None,
    samples: Annotated[int, typer.Option("--samples", "-n", help="Structures of each method.")] = 8,
    output: _comparing.Outputs = None,
    statistics: Annotated[
        str | None,
        typer.Option(
            help="Curves to judge by: two_point,lineal_path,cluster,chord_length,pore_size unless "
            "given."
        ),
    ] = None,
    phase: Annotated[int, typer.Option(help="Label of the phase that is measured.")] = 1,
    max_lag: _options.MaxLag = None,
    k: Annotated[
        str | None,
        typer.Option("--k", help="Conductivity of each label, 0=0,1=1: judge what they conduct."),
    ] = None,
    max_seconds: Annotated[float | None, typer.Option(help="At most for one annealing.")] = None,
    seed: _options.Seed = 0,
    stack: _options.Stack = False,
    threads: _options.Threads = None,
    as_json: _options.Json = False,
) -> None:
    """Let annealing and generators make structures, and rank them by real ones held out."""
    from microtwin.comparison import contest
    from microtwin.comparison.contest import STATISTICS

    outputs = _comparing.checked(output, default="contest.html")
    known, judged = read_parts(training, held_out, stack=stack)
    with _console.stages() as stages:
        result = contest(
            known,
            judged,
            gan=gan,
            methods=None if methods is None else _options.names(methods),
            shape=_options.integers(shape, name="shape"),
            samples=samples,
            statistics=STATISTICS if statistics is None else _options.names(statistics),
            phase=phase,
            max_lag=max_lag,
            conductivities=None if k is None else _options.conductivities(k),
            annealing=None if max_seconds is None else {"max_seconds": max_seconds},
            seed=seed,
            settings={"source": f"Judged by {', '.join(map(str, held_out))}"},
            threads=threads,
            progress=stages,
        )
    _comparing.write(result, outputs)
    if as_json:
        _console.write_json({"output": [str(path) for path in outputs], **result.summary()})
        return
    width = max(len(row.quantity) for row in result.rows)
    for row in result.rows:
        typer.echo(f"{row.quantity:<{width}}  {row.verdict()}")
    typer.echo(f"Written: {', '.join(map(str, outputs))}")


def read_parts(training: list[Path], held_out: list[Path], *, stack: bool) -> tuple[Any, Any]:
    """Read both parts; grey images of both are cut at one threshold."""
    from microtwin.images import find_images

    paths = [find_images(part) for part in (training, held_out)]
    labels = _files.read_labels([*paths[0], *paths[1]], crop_info_bar=False)
    known, judged = labels[: len(paths[0])], labels[len(paths[0]) :]
    if stack:
        known, judged = _files.taken_apart(known), _files.taken_apart(judged)
    return known, judged
