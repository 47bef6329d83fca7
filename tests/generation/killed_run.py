"""Start the training that a test kills: ``python killed_run.py FOLDER``."""

import sys

import microtwin.generation as gen
from generation import tiny as common
from microtwin.generation import training

if __name__ == "__main__":
    common.install_tiny_preset(
        lambda table, name, value: table.update({name: value}), validate_every=3
    )
    training.CHECKPOINT_EVERY = 2
    gen.train_gan(
        common.grey_images(), preset=common.TINY, workdir=sys.argv[1], seed=5, steps=100_000
    )
