from microtwin._core import chord_lengths as chord_lengths
from microtwin._core import lineal_path as lineal_path
from microtwin._core import two_point as two_point

def device_count() -> int: ...
