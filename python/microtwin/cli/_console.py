"""What is told on the way and in the end: notes and progress on stderr, results on stdout."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from microtwin.cli import _reports

if TYPE_CHECKING:
    from rich.progress import Progress

    from microtwin._progress import ProgressCallback

WIDE = 110  # columns from which there is room for energies and losses beside the bar


def note(text: str) -> None:
    """Tell something worth knowing, on stderr."""
    typer.echo(f"microtwin: {text}", err=True)


def write_json(value: Any) -> None:
    """Write a result to stdout for machines; None stands for what is not a number."""
    typer.echo(json.dumps(_finite(value), indent=2, allow_nan=False))


def write_table(rows: Iterable[Sequence[Any]], *, columns: Sequence[str]) -> None:
    """Write a table to stdout for people; columns after the first are aligned to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(str, row))
    Console(soft_wrap=True).print(table)


@contextmanager
def progress_bar(title: str) -> "Iterator[ProgressCallback]":
    """Show one bar with the time that remains."""
    with stages() as begin:
        yield begin(title)


@contextmanager
def stages() -> "Iterator[Callable[[str], ProgressCallback]]":
    """Show a bar for each stage, one below the other, with the time that remains of the last."""
    progress = _progress()

    def finish() -> None:
        for task in progress.tasks:
            progress.update(task.id, total=task.total or 1, completed=task.total or 1)

    def begin(title: str) -> "ProgressCallback":
        finish()
        if progress.console.is_terminal:
            progress.start()
        current = progress.add_task(title, total=None, values="")
        written = _reports.to_file(title)

        def report(done: float, total: float, values: Mapping[str, float]) -> None:
            written(done, total, values)
            progress.start()
            text = "  ".join(f"{name} {value:.3g}" for name, value in values.items())
            progress.update(current, completed=done, total=total, values=text)

        return report

    try:
        yield begin
        finish()
    except Exception:
        progress.live.transient = True  # what went wrong is said instead
        raise
    finally:
        if progress.live.is_started:
            progress.stop()


def _progress() -> "Progress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.table import Column

    console = Console(stderr=True)
    watched = [TextColumn("[dim]{task.fields[values]}")] if console.width >= WIDE else []
    return Progress(
        TextColumn("{task.description}", table_column=Column(min_width=26, no_wrap=True)),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        *watched,
        console=console,
    )


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
