"""A studio in a process of its own, and a browser without a network."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    # Whatever is asked for outside this machine is not found.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip


@dataclass
class Live:
    """A studio that runs."""

    project: Path
    port: int
    process: subprocess.Popen
    said: Path

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self):
        return self.said.read_text(errors="replace")


@contextmanager
def studio(project, **options):
    """Start a studio, and stop it as Ctrl-C does."""
    said = project.with_name(f"{project.name}.log")
    words = [f"{name}={value}" for name, value in options.items()]
    # What is compiled for a run need not be compiled again when it is resumed.
    kept = {**os.environ, "JAX_COMPILATION_CACHE_DIR": str(project.with_name("compiled"))}
    with said.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("served.py")), str(project), *words],
            stdout=out, stderr=subprocess.STDOUT, start_new_session=True, env=kept,
        )  # fmt: skip
    try:
        port = wait_for(lambda: re.search(r"http://[^/\s]+:(\d+)/", said.read_text()), 60)
        live = Live(project, int(port[1]), process, said)
        yield live
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def wait_for(look, seconds, *, every=0.1):
    """Return the first true answer; fail where none comes in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := look():
            return answer
        time.sleep(every)
    raise AssertionError(f"nothing within {seconds} s: {look}")


def chromium():
    """Return the path of a browser, or None."""
    named = os.environ.get("MICROTWIN_CHROMIUM")
    found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    return named or next((path for path in found if path), None)
