"""A large image block by block, on several threads, with memory for a few blocks only."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice, product
from typing import TypeVar

Block = tuple[slice, ...]
Found = TypeVar("Found")

SIDES = {2: 512, 3: 80}  # about as many voxels in both


def blocks_of(shape: tuple[int, ...], side: int | None = None) -> list[Block]:
    """Cut an array into blocks of that side, smaller ones at the ends."""
    edge = SIDES[len(shape)] if side is None else side
    cuts = [[slice(i, min(i + edge, n)) for i in range(0, n, edge)] for n in shape]
    return list(product(*cuts))


def each(
    blocks: Sequence[Block], work: Callable[[Block], Found], threads: int
) -> Iterator[tuple[int, Found]]:
    """Yield the number of each block and what `work` makes of it, as they end.

    Few are held at a time. Threads change the order only.
    """
    if threads == 1:
        for number, block in enumerate(blocks):
            yield number, work(block)
        return
    left = iter(enumerate(blocks))
    running: dict[Future[Found], int] = {}
    with ThreadPoolExecutor(threads) as pool:
        while True:
            for number, block in islice(left, threads + 1 - len(running)):
                running[pool.submit(work, block)] = number
            if not running:
                return
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                yield running.pop(future), future.result()
