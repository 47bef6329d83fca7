"""The server: pages, routes and guard put together, and listening."""

import importlib
import logging
import os
import re
import secrets
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from microtwin import _validate
from microtwin.errors import InputError
from microtwin.studio.context import Studio
from microtwin.studio.guard import COOKIE, Guard
from microtwin.studio.jobs import Queue
from microtwin.studio.jobs.queue import PROGRAM
from microtwin.studio.project import Project

log = logging.getLogger(__name__)

TOKEN = re.compile(r"[A-Za-z0-9._~-]{8,}")
TRIED = 20  # ports after the first
SECONDS = 2.0  # between two looks at the queue
TURN = 0.001  # seconds that a thread keeps the others waiting: pages answer first


def serve(
    project: str | os.PathLike[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    token: str | None = None,
    at_once: int = 1,
    max_upload: int = 1024,
    show: bool = False,
    tell: Callable[[str], object] = log.info,
    program: Sequence[str] = PROGRAM,
) -> None:
    """Serve the studio until it is interrupted; jobs go on all the same.

    Parameters
    ----------
    project : path
        Folder of the project, made if it is not there.
    host : str
        Address to listen on; any but this machine's own asks for a token.
    port : int
        The next free one is taken where it is in use; 0 for any.
    token : str, optional
        What a browser must know; made up where one is needed and none is given.
    at_once : int
        Jobs that run at the same time.
    max_upload : int
        Largest upload in megabytes.
    show : bool
        Open the page in a browser.
    tell : callable
        Is told the address.
    program : sequence of str
        What the command lines of jobs begin with.

    Raises
    ------
    InputError
        If an argument is out of range, the folder cannot be written, the address cannot be
        listened on, or NiceGUI is not installed.
    """
    try:
        import nicegui  # noqa: F401
        import uvicorn
    except ImportError:
        raise InputError(
            "serve needs NiceGUI, which is not installed: pip install 'microtwin[studio]'"
        ) from None
    limit = _validate.integer(max_upload, name="max_upload", minimum=1) * 2**20
    _validate.integer(port, name="port", minimum=0, maximum=65535)
    if token and not TOKEN.fullmatch(token):  # told in an address and kept in a cookie
        raise InputError(
            "token must be at least 8 letters (a to z), digits, dots, dashes, underscores or tildes"
        )
    opened = Project(project)
    studio = Studio(opened, Queue(opened.root, at_once=at_once, program=program), limit)
    listener = _listening(host, port)
    number = listener.getsockname()[1]
    known = token or (None if _is_own(host) else secrets.token_urlsafe(24))
    names = () if _is_own(host) else (host, socket.gethostname(), socket.getfqdn())
    guarded = Guard(
        application(studio), names=names, token=known, cookie=f"{COOKIE}_{number}", max_upload=limit
    )
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
    literal = f"[{shown}]" if ":" in shown else shown
    address = f"http://{literal}:{number}/" + (f"?token={known}" if known else "")
    tell(f"{opened.root}: {address} (Ctrl-C ends the page; jobs go on)")
    if show:
        import webbrowser

        webbrowser.open(address)
    sys.setswitchinterval(TURN)
    config = uvicorn.Config(
        guarded, log_level="warning", access_log=False, ws_max_size=2**22, lifespan="on",
        timeout_graceful_shutdown=2, server_header=False,
    )  # fmt: skip
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def application(studio: Studio) -> Any:
    """Return the pages and routes of a studio as an ASGI application, without its guard."""
    from fastapi import FastAPI
    from nicegui import app, run, ui
    from starlette.middleware.gzip import GZipMiddleware

    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    run.process_pool_start_method = "spawn"  # threads are running here
    attach(studio)
    app.timer(SECONDS, lambda: _advance(studio))
    app.on_startup(_warm_up)
    ui.run_with(
        outer,
        title="microtwin",
        favicon=Path(__file__).parent / "static" / "icon.svg",
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=30.0,
        gzip_middleware_factory=lambda inner: GZipMiddleware(
            inner, minimum_size=1000, compresslevel=1
        ),
    )
    return outer


def attach(studio: Studio) -> None:
    """Add the pages and routes of a studio to NiceGUI's application."""
    from nicegui import app

    from microtwin.studio import pages, routes

    routes.register(app, studio)
    app.add_static_files("/studio", Path(__file__).parent / "static")
    pages.register(studio)


async def _advance(studio: Studio) -> None:
    """Look after the queue, should the process have been killed that starts the next job."""
    from nicegui import run

    with suppress(InputError):
        await run.io_bound(studio.queue.advance)


async def _warm_up() -> None:
    """Start a process for what pages compute, so that the first reader does not wait for it."""
    from nicegui import background_tasks, run

    from microtwin.studio import previews

    async def start() -> None:
        await run.cpu_bound(previews.warm_up)
        await run.io_bound(importlib.import_module, "microtwin.generation.presets")

    background_tasks.create(start())


def _is_own(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; on one of the next ports where the first is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reason = ""
    for number in range(port, port + TRIED if port else 1):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, number))
            listener.listen(128)
        except (OSError, OverflowError) as error:
            listener.close()
            reason = getattr(error, "strerror", None) or str(error)
            continue
        return listener
    raise InputError(f"host and port must be free to listen on; {host}:{port}: {reason}")
