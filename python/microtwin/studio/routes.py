"""What pages fetch beside themselves: pictures, slices, surfaces, files; all inside the project."""

import logging
import mimetypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response

from microtwin.errors import InputError
from microtwin.studio import meshes, pictures
from microtwin.studio.context import Studio
from microtwin.studio.texts import COOKIE, LANGUAGES

log = logging.getLogger(__name__)

SIDES = (240, 480, 960)  # of pictures: few, since each is kept
KEPT = {"Cache-Control": "private, max-age=3600"}
# What a project holds may have come from anywhere: none of it runs as a page of the studio.
SANDBOX = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'; font-src data:",
    "Cache-Control": "no-store",
}
SEEN = (".html", ".png", ".jpg", ".svg", ".gif", ".json", ".csv", ".txt")  # others are downloads
AT_ONCE = 8 << 20  # bytes of a file that is read before it is sent


def register(app: FastAPI, studio: Studio) -> None:
    """Add the routes of a studio to an application."""
    project = studio.project

    @app.get("/thumb")
    def thumb(path: str, side: int = 240) -> Response:
        def make() -> Response:
            cache = project.hidden("thumbs")
            wanted = min(SIDES, key=lambda known: abs(known - side))
            file = pictures.thumbnail(project.existing(path), cache, side=wanted)
            return FileResponse(file, media_type="image/jpeg", headers=KEPT)

        return _answer(make, path)

    @app.get("/slice")
    def slice_(path: str, axis: int = 0, at: float = 0.5, pattern: bool = False) -> Response:
        def make() -> Response:
            file = project.existing(path)
            if axis not in (0, 1, 2):
                raise InputError(f"axis must be 0, 1 or 2, not {axis}")
            if not 0 <= at <= 1:
                raise InputError(f"at must be between 0 and 1, not {at:g}")
            picture = pictures.slice_png(file, axis, at, pattern=pattern)
            return Response(picture, media_type="image/png", headers=KEPT)

        return _answer(make, path)

    @app.get("/mesh")
    def mesh(path: str, phase: int = 1, cut: float = 1.0) -> Response:
        def make() -> Response:
            if not 0 < cut <= 1:
                raise InputError(f"cut must be above 0 and at most 1, not {cut:g}")
            file = project.existing(path)
            made = meshes.mesh(file, project.hidden("meshes"), phase=phase, cut=cut)
            return FileResponse(made.file, media_type="model/stl", headers=KEPT)

        return _answer(make, path)

    @app.get("/file")
    def file(path: str, download: bool = False) -> Response:
        def make() -> Response:
            found = project.existing(path)
            if not found.is_file():
                raise InputError(f"{path} is no file")
            as_is = download or found.suffix.lower() not in SEEN
            if not as_is and found.stat().st_size <= AT_ONCE:
                # A run may replace its picture meanwhile: what is sent is of one file.
                kind = mimetypes.guess_type(found.name)[0]
                return Response(found.read_bytes(), media_type=kind, headers=SANDBOX)
            kind = "attachment" if as_is else "inline"
            return FileResponse(
                found, filename=found.name, content_disposition_type=kind, headers=SANDBOX
            )

        return _answer(make, path)

    @app.get("/zip")
    def zipped(path: str) -> Response:
        def make() -> Response:
            return _zipped(project.existing(path), project.hidden("downloads"))

        return _answer(make, path)

    @app.get("/language/{code}")
    def language(code: str, request: Request, back: str = "/") -> Response:
        here = back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"
        answer = RedirectResponse(here, status_code=303)
        if code in LANGUAGES:
            answer.set_cookie(COOKIE, code, max_age=31_536_000, samesite="strict")
        return answer


def _answer(make: Callable[[], Response], path: str) -> Response:
    """Return what was made, or the reason why not."""
    try:
        return make()
    except (InputError, OSError) as error:
        reason: Any = " ".join(str(error).split())
        log.warning("refused %a: %a", path[:200], reason)  # no name of a file forges a line
        missing = isinstance(error, OSError) or "does not exist" in reason
        return JSONResponse({"error": reason}, status_code=404 if missing else 400)


def _zipped(folder: Path, cache: Path) -> Response:
    """Return a folder as a zip file, which is removed when it has been sent."""
    import tempfile
    import zipfile

    from starlette.background import BackgroundTask

    if not folder.is_dir():
        raise InputError(f"{folder.name} is no folder")
    with tempfile.NamedTemporaryFile(dir=cache, suffix=".zip", delete=False) as part:
        made = Path(part.name)
    # Stored as they are: images are packed already.
    try:
        # Old dates, which zip does not know, become the oldest that it knows.
        with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
            for one in sorted(folder.rglob("*")):
                inner = one.relative_to(folder)
                hidden = any(part.startswith(".") for part in inner.parts)
                if one.is_file() and not one.is_symlink() and not hidden:
                    archive.write(one, f"{folder.name}/{inner.as_posix()}")
    except BaseException:
        made.unlink(missing_ok=True)
        raise
    return FileResponse(
        made,
        filename=f"{folder.name}.zip",
        headers=SANDBOX,
        background=BackgroundTask(made.unlink, missing_ok=True),
    )
