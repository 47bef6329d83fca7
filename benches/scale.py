"""Many structures on a local cluster of two workers, beside a plain loop in the same run.

    python benches/scale.py [--images 10000] [--volumes 500] [--workers 2] [--share 1.0]

Images of 128 x 128 and sub-volumes of 64^3 (of a real sandstone where it is at hand) are described,
and the sub-volumes are solved for transport along every axis. Both sides read the same files, use
one thread for each structure, and write one Parquet table with the same columns. The cluster is
begun once, for all jobs, and its start is told by itself. The tables are equal to the last digit.

Overhead is the share of the workers' time that no structure had: starting, sending, writing.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import microtwin as mt
from microtwin.images.synthetic import gaussian_field
from microtwin.scale.describing import described
from microtwin.scale.items import items_of
from microtwin.scale.transport import conducted

DATA = Path(os.environ.get("MICROTWIN_DATA", Path(__file__).parents[2] / "shared" / "data"))
STATISTICS = ["two_point", "lineal_path", "chord_length", "cluster", "minkowski"]


def write_images(folder, count):
    """Write images of one material, all different: a few fields, rolled and turned."""
    fields = [
        np.asarray(gaussian_field((128, 128), correlation_length=4, fraction=0.4, seed=i))
        for i in range(min(count, 64))
    ]
    for i in range(count):
        turned = np.roll(np.rot90(fields[i % len(fields)], i // 64), i // 64, axis=0)
        mt.save_image(folder / f"{i:05d}.png", np.ascontiguousarray(turned))


def write_volumes(folder, count):
    """Write sub-volumes of a sandstone, or of a Gaussian medium where there is none."""
    file = DATA / "berea400" / "berea_400_uint8.npz"
    if file.is_file():
        rock, phase = np.asarray(mt.read_image(file)), "the sandstone"
        rock = np.ascontiguousarray(rock == rock.max()).view(np.uint8)
        rock = 1 - rock if rock.mean() > 0.5 else rock  # 1 is the pores
    else:
        rock, phase = (
            gaussian_field((256,) * 3, correlation_length=5, fraction=0.3, seed=0),
            "noise",
        )
    places = np.random.default_rng(0).integers(0, np.array(rock.shape) - 64, size=(count, 3))
    for i, (z, y, x) in enumerate(places):
        np.save(folder / f"{i:05d}.npy", rock[z : z + 64, y : y + 64, x : x + 64])
    return phase


def plain(files, function, table, **settings):
    """Do the same in one loop, and write one table."""
    rows = []
    for item in items_of(files):
        found = function(item, **settings)
        several = [found] if isinstance(found, dict) else found
        rows += [{"item": item.name, **row} for row in several]
    pq.write_table(pa.Table.from_pylist(rows), table, compression="zstd")
    return pd.read_parquet(table)


def compared(title, count, alone, together, workers):
    """Run both sides, see that they agree, and tell the times."""
    begin = time.perf_counter()
    wanted = alone()
    loop = time.perf_counter() - begin
    begin = time.perf_counter()
    found = together()
    many = time.perf_counter() - begin
    table = found.to_dataframe()
    assert not found.failed, found.failed
    columns = list(wanted)
    pd.testing.assert_frame_equal(table[columns], wanted, check_dtype=False)
    busy = table.drop_duplicates("item")["seconds"].sum()
    overhead = 1 - busy / (workers * many)
    print(
        f"{title}: {count} in {loop:.1f} s by a loop, {many:.1f} s by {workers} workers: "
        f"{loop / many:.2f} times as fast; overhead {100 * overhead:.1f} %"
    )
    return loop / many, overhead


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--images", type=int, default=10_000)
    ask.add_argument("--volumes", type=int, default=500)
    ask.add_argument("--workers", type=int, default=2)
    ask.add_argument("--share", type=float, default=1.0, help="of both, for a quick look")
    asked = ask.parse_args()
    images, volumes = (max(int(n * asked.share), 1) for n in (asked.images, asked.volumes))
    from distributed import Client

    from microtwin.scale.cluster import client_of

    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        pictures, rocks = folder / "images", folder / "volumes"
        pictures.mkdir()
        rocks.mkdir()
        write_images(pictures, images)
        print("sub-volumes of", write_volumes(rocks, volumes))
        begin = time.perf_counter()
        with client_of(workers=asked.workers, cluster=None, most=asked.workers) as client:
            assert isinstance(client, Client)
            print(f"the cluster began in {time.perf_counter() - begin:.1f} s")
            reading = {"spacing": None, "threshold": None}
            measuring = {"statistics": STATISTICS}
            # Imports and first calls, on both sides.
            warm = sorted(pictures.iterdir())[:4]
            mt.describe_many(warm, store=folder / "warm", statistics=STATISTICS, cluster=client)
            plain(warm, described, folder / "w.parquet", reading=reading, measuring=measuring)
            solving = {"boundary": "face", "sides": "insulated", "tol": 1e-4}
            solving["max_iterations"] = 1000
            rock = sorted(rocks.iterdir())[:4]
            mt.transport_many(rock, store=folder / "warm3", phase=1, cluster=client)
            results = [
                compared(
                    f"described, {name}",
                    count,
                    lambda where=where, name=name: plain(
                        where,
                        described,
                        folder / f"{name}.parquet",
                        reading=reading,
                        measuring=measuring,
                    ),
                    lambda where=where, name=name: mt.describe_many(
                        where, store=folder / f"many {name}", statistics=STATISTICS, cluster=client
                    ),
                    asked.workers,
                )
                for name, where, count in (
                    ("128²", pictures, images),
                    ("64³", rocks, volumes),
                )
            ]
            results.append(
                compared(
                    "conducting, 64³, 3 axes",
                    volumes,
                    lambda: plain(
                        rocks,
                        conducted,
                        folder / "t.parquet",
                        reading=reading,
                        conducting={"phase": [1]},
                        axes=None,
                        solving=solving,
                    ),
                    lambda: mt.transport_many(
                        rocks, store=folder / "many t", phase=1, cluster=client
                    ),
                    asked.workers,
                )
            )
    if asked.share == 1.0 and asked.workers == 2:
        for speedup, overhead in results:
            assert speedup >= 1.6, "two workers should be 1.6 times as fast at least"
            assert overhead < 0.1, "of the workers' time less than a tenth should be lost"


if __name__ == "__main__":
    main()
