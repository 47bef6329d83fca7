"""Labelling in the terminal: a small picture, and one key an image."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from microtwin.cli import _console

if TYPE_CHECKING:
    from microtwin.selection import Labelling

KEYS = "y yes  n no  u undo  s skip  q quit"
UPPER_HALF = "▀"
INTERRUPT = "\x03"  # what Ctrl-C sends where the terminal gives single keys
END = "\x04"


def keys(session: "Labelling", *, preview: bool) -> int:
    """Show images and take keys until all are done or the person quits; return how many labels.

    Where input is no terminal, keys are read from it one after the other.
    """
    labelled = 0
    pressed = _pressed()
    fit, unfit = session.labels
    typer.echo(f"{KEYS} ({fit} or {unfit})", err=True)
    while (entry := session.next()) is not None:
        if preview:
            _draw(entry.path)
        score = "" if entry.score is None else f"  model: {entry.score:.2f}"
        seen = session.agreement
        right = f"  right so far: {seen.right}/{seen.judged}" if seen.judged else ""
        place = f"{session.done + 1}/{session.total}"
        typer.echo(f"[{place}] {entry.id}: {entry.path}{score}{right} ", nl=False, err=True)
        key = next(pressed, END)
        typer.echo(key if key.isprintable() else "", err=True)
        if key == INTERRUPT:
            raise KeyboardInterrupt
        if key in ("q", END):
            break
        if key in "yn":
            session.label(entry.id, fit if key == "y" else unfit)
            labelled += 1
        elif key == "u":
            if session.undo() is None:
                _console.note("there is nothing to undo")
            else:
                labelled -= 1
        elif key == "s":
            session.skip()
        else:
            _console.note(f"the keys are {KEYS}")
    return labelled


def _pressed() -> Iterator[str]:
    if not sys.stdin.isatty():
        yield from (key for key in iter(lambda: sys.stdin.read(1), "") if not key.isspace())
        return
    import click

    while True:
        try:
            yield click.getchar().lower()
        except EOFError:
            return


def _draw(path: Path) -> None:
    """Draw an image with two pixels in a character, where the terminal can."""
    from rich.console import Console

    console = Console(stderr=True)
    encoding = console.encoding or "ascii"
    try:
        UPPER_HALF.encode(encoding)
    except UnicodeEncodeError:
        return
    if not console.is_terminal or console.color_system is None:
        return
    # Room for the line below, and for the one before.
    console.print(half_blocks(path, columns=console.width - 1, rows=console.height - 4))


def half_blocks(path: Path, *, columns: int, rows: int) -> Any:
    """Return an image as text for rich, each character an upper and a lower pixel.

    Levels are stretched between their 0.5 and 99.5 percentiles, for dark images to be seen.
    """
    import numpy as np
    from rich.text import Text

    from microtwin.errors import InputError
    from microtwin.images.reading import read_pixels
    from microtwin.images.sized import sized

    try:
        pixels = read_pixels(path)
    except (InputError, OSError) as error:
        return Text(f"{path} cannot be shown: {' '.join(str(error).split())}")
    height, width = pixels.shape[:2]
    scale = min(columns / width, 2 * max(rows, 4) / height, 1.0)
    size = (max(2, round(height * scale / 2) * 2), max(1, round(width * scale)))
    grey = np.asarray(sized(pixels, size=size, channels=1)[..., 0], dtype=np.float64)
    low, high = np.percentile(grey, (0.5, 99.5))
    levels = np.clip((grey - low) / max(high - low, 1e-9) * 255, 0, 255).astype(int)
    text = Text(no_wrap=True)
    for upper, lower in zip(levels[::2].tolist(), levels[1::2].tolist(), strict=True):
        for top, bottom in zip(upper, lower, strict=True):
            style = f"rgb({top},{top},{top}) on rgb({bottom},{bottom},{bottom})"
            text.append(UPPER_HALF, style=style)
        text.append("\n")
    return text
