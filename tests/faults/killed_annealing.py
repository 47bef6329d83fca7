"""Anneal until killed: ``python killed_annealing.py CHECKPOINT``."""

import sys

import microtwin as mt
from faults.test_killed_and_clocks import SETTINGS, target
from microtwin.annealing import _run

if __name__ == "__main__":
    _run._SAVE_SECONDS = 0.05
    mt.anneal(target(), checkpoint=sys.argv[1], **SETTINGS)
