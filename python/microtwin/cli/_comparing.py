"""What the commands that compare write."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microtwin.cli import _files

if TYPE_CHECKING:
    from microtwin.comparison import Comparison

Outputs = Annotated[
    list[Path] | None,
    typer.Option(
        "--output", "-o", help="What to write: .html, .json, .csv; may be given many times."
    ),
]


def checked(output: list[Path] | None, *, default: str) -> list[Path]:
    """Return the files to write, whose names say what they are to be."""
    outputs = output or [Path(default)]
    for path in outputs:
        _files.check_suffix(path, (".html", ".json", ".csv"), name="output")
    return outputs


def write(result: "Comparison", outputs: list[Path]) -> None:
    """Write a comparison in every form asked for."""
    writers = {".html": result.to_html, ".json": result.to_json, ".csv": result.to_csv}
    for path in outputs:
        writers[path.suffix.lower()](path)
