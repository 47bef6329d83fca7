"""A job whose process is killed: ``python killed_client.py IMAGES STORE LOG``."""

import sys

import microtwin as mt
from many import measures

if __name__ == "__main__":
    images, store, log = sys.argv[1:]
    mt.map_many(
        measures.noted, images, store=store, settings={"log": log, "seconds": 0.25}, workers=2
    )
