"""Train the generators of the contest; what is begun goes on, what is there is left alone.

::

    python benches/contest/train.py DATA --runs runs/ [--materials berea cathode] [--seeds 3]
    python benches/contest/train.py DATA --runs gpu/ --steps 6000 --keep models/

Seconds of each run are kept in its folder, in `seconds.json`, with the device.
"""

import argparse
import json
import time
from pathlib import Path

import jax
from materials import MATERIALS

import microtwin as mt


def main() -> None:
    ask = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ask.add_argument("data", type=Path)
    ask.add_argument("--runs", type=Path, required=True)
    ask.add_argument("--materials", nargs="+", choices=MATERIALS, default=list(MATERIALS))
    ask.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    ask.add_argument("--preset", help="instead of the material's")
    ask.add_argument("--steps", type=int)
    ask.add_argument("--keep", type=Path, help="copy what is needed to draw from them to here")
    asked = ask.parse_args()
    for name in asked.materials:
        material = MATERIALS[name](asked.data)
        for seed in asked.seeds:
            preset = asked.preset or material.preset
            folder = asked.runs / f"{name}-{preset}-{seed}"
            notes = folder / "seconds.json"
            begun = time.perf_counter()
            gan = mt.train_gan(
                material.training,
                preset=preset,
                workdir=folder,
                steps=asked.steps,
                seed=seed,
                resume=True,
            )
            before = json.loads(notes.read_text())["seconds"] if notes.exists() else 0.0
            seconds = before + time.perf_counter() - begun
            device = jax.devices()[0].device_kind
            notes.write_text(json.dumps({"seconds": round(seconds, 1), "device": device}))
            print(f"{folder.name}: {seconds:.0f} s on {device}", flush=True)
            if asked.keep:
                gan.save(asked.keep / folder.name)
                (asked.keep / folder.name / "seconds.json").write_text(notes.read_text())


if __name__ == "__main__":
    main()
