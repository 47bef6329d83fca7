"""Tell the peak memory in kB of sampling a volume: ``memory_of_sampling.py FOLDER SIDE``."""

import resource
import sys
from pathlib import Path

import microtwin.generation as gen
from generation import tiny
from microtwin.generation import drawing

if __name__ == "__main__":
    tiny.install_tiny_preset(lambda table, name, value: table.update({name: value}))
    drawing.BLOCK[3] = 64
    folder, side = Path(sys.argv[1]), int(sys.argv[2])
    generator = gen.train_gan(tiny.grey_images(), preset=tiny.TINY_SLICES, workdir=folder, steps=1)
    generator.sample_to(folder / "v.npy", 1, shape=(side,) * 3)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
