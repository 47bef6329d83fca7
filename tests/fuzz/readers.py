"""Fuzz what reads a kind of file: ``python tests/fuzz/readers.py KIND [CORPUS ...] [-options]``.

By Atheris (``pip install atheris``), a libFuzzer for Python: it changes good files, made first, so
that they reach new code. A reader may return something or raise a `MicrotwinError`; anything else
is a finding, which is left in a file ``crash-...``. With ``--all SECONDS`` every kind has its turn;
with ``--once KIND FILE ...`` files are read as the fuzzer would, which needs no Atheris.
"""

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

MOST = 1 << 16  # bytes of an input


def checked(kind, folder, data):
    """Read a file of so many bytes; anything but a refusal goes through."""
    from faults.damaged import KINDS
    from microtwin.errors import MicrotwinError

    one = KINDS[kind]
    path = Path(folder) / f"input{one.suffix}"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            one.read(path)
        except MicrotwinError:
            return


def fuzz(kind, arguments):
    """Fuzz one kind; libFuzzer ends the process."""
    import logging

    import atheris

    with atheris.instrument_imports(include=["microtwin", "tifffile", "json", "csv", "zipfile"]):
        import tifffile  # noqa: F401

        from faults.damaged import KINDS

    logging.disable(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    seeds = folder / "seeds"
    seeds.mkdir()
    KINDS[kind].write(seeds / f"seed{KINDS[kind].suffix}")
    # libhdf5 takes what a text says of its length, up to 4 GiB, before it sees that there is none.
    memory = 9000 if KINDS[kind].suffix == ".h5" else 4096
    atheris.Setup(
        [sys.argv[0], f"-max_len={MOST}", f"-rss_limit_mb={memory}", "-timeout=60", *arguments,
         str(seeds)],
        lambda data: checked(kind, folder, data),
    )  # fmt: skip
    atheris.Fuzz()


def main():
    first, *rest = sys.argv[1:]
    if first == "--once":
        for file in rest[1:]:
            with tempfile.TemporaryDirectory() as folder:
                checked(rest[0], folder, Path(file).read_bytes())
        return
    if first == "--all":
        from faults.damaged import KINDS

        found = []
        for kind in KINDS:
            print(f"== {kind}", flush=True)
            ended = subprocess.run([sys.executable, __file__, kind, f"-max_total_time={rest[0]}"])
            found += [kind] if ended.returncode else []
        print("findings in:", ", ".join(found) if found else "none")
        sys.exit(bool(found))
    fuzz(first, rest)
    os._exit(0)


if __name__ == "__main__":
    main()
