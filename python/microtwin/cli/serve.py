"""`microtwin serve`: every stage in the browser."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    project: Annotated[
        Path, typer.Argument(help="Folder of the project, made if it is not there.")
    ] = Path("microtwin-studio"),
    host: Annotated[
        str, typer.Option(help="Address to listen on. Any but this machine's own asks for a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; the next free one where it is taken.")] = 8765,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="MICROTWIN_TOKEN",
            help="What a browser must know; made up where one is needed and none is given.",
        ),
    ] = None,
    at_once: Annotated[int, typer.Option(help="Jobs that run at the same time.")] = 1,
    max_upload: Annotated[int, typer.Option(help="Largest upload in megabytes.")] = 1024,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Open the studio: images, labels, phases, curves, twins, training and reports as pages.

    Jobs that were started there go on when this is stopped.
    """
    from microtwin.studio import serve

    serve(
        project,
        host=host,
        port=port,
        token=token,
        at_once=at_once,
        max_upload=max_upload,
        show=show,
        tell=typer.echo,
    )
