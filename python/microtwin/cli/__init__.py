"""The command line: one file a command, each reads, calls one public function and writes.

Nothing heavy is imported before a command runs, so that ``microtwin --help`` is quick. What may not
live here: anything that a user of the library would miss.
"""

import os
import sys
from typing import Annotated

import typer

from microtwin.cli import (
    anneal,
    anomaly,
    batch,
    classify,
    compare,
    contest,
    describe,
    info,
    run,
    sample,
    screen,
    segment,
    select,
    serve,
    train,
    transport,
)
from microtwin.cli._group import INTERRUPTED, Group

app = typer.Typer(
    cls=Group,
    help="Statistical twins of random microstructures: measure, anneal, learn, compare.",
    epilog="Start with: microtwin run",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (
    run,
    segment,
    describe,
    anneal,
    train,
    sample,
    screen,
    transport,
    compare,
    contest,
    serve,
    info,
):
    app.command(_command.__name__.rsplit(".", 1)[-1])(_command.command)
app.add_typer(select.app, name="select")
app.add_typer(classify.app, name="classify")
app.add_typer(anomaly.app, name="anomaly")
app.add_typer(batch.app, name="batch")


def _say_version(asked: bool) -> None:
    if asked:
        from microtwin._version import __version__

        typer.echo(f"microtwin {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell more on the way, on stderr.")
    ] = False,
) -> None:
    import logging

    logging.basicConfig(level=logging.ERROR, format="microtwin: %(message)s")
    logging.getLogger("microtwin").setLevel(logging.INFO if verbose else logging.WARNING)


def main() -> None:
    """Run the command line."""
    try:
        app(prog_name="microtwin")
    except SystemExit as end:
        if end.code != INTERRUPTED:
            raise
        # XLA may still be compiling in threads of its own, which crash when the interpreter is
        # taken down around them. All that counts is written by now.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)
