"""Which images are for training, which for validation."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from microtwin import _validate
from microtwin.errors import InputError


@dataclass(frozen=True, slots=True)
class Row:
    """What matters of an image: its name, its label, its split so far, and whom it belongs to."""

    name: str
    label: str
    split: str
    group: str


def checked(fractions: Mapping[str, float]) -> dict[str, float]:
    """Return shares whose sum is 1.

    Raises
    ------
    InputError
        If there are none, one is not positive, or their sum is something else.
    """
    if not isinstance(fractions, Mapping) or not fractions:
        raise InputError(f"fractions must name parts and their shares, not {fractions!r}")
    shares = {
        str(name): _validate.real(share, name=f"fraction of {name}", minimum=0, maximum=1)
        for name, share in fractions.items()
    }
    total = sum(shares.values())
    if abs(total - 1) > 1e-6 or min(shares.values()) <= 0 or "" in shares:
        raise InputError(f"fractions must be positive, named, and 1 in all, not {shares}")
    return shares


def draw(name: str, *, seed: int = 0) -> float:
    """Return a number between 0 and 1 that looks random but belongs to a name for good."""
    return int.from_bytes(_digest(name, seed)[:6], "big") / 2**48


def assigned(rows: Sequence[Row], shares: Mapping[str, float], *, seed: int) -> list[str]:
    """Return the split of each row: its own if it has one, else what its label lacks most.

    Groups come in an order that their names and the seed alone decide. Each goes where the share
    of its label (the commonest among its rows) is furthest from being met.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        groups[row.group].append(i)
    result = [row.split for row in rows]
    have: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.split in shares:
            have[row.label][row.split] += 1
    for members in sorted(groups.values(), key=lambda group: _order(rows, group, seed)):
        new = [i for i in members if not rows[i].split]
        if not new:
            continue
        known = [rows[i].split for i in members if rows[i].split in shares]
        label = Counter(rows[i].label for i in members).most_common(1)[0][0]
        count = have[label]
        whole = sum(count.values()) + len(new)
        lacks = {name: share * whole - count[name] for name, share in shares.items()}
        split = known[0] if known else max(lacks, key=lambda name: lacks[name])
        for i in new:
            result[i] = split
            have[rows[i].label][split] += 1
    return result


def _order(rows: Sequence[Row], members: Sequence[int], seed: int) -> tuple[bytes, str]:
    first = rows[members[0]]
    name = first.group if first.group.startswith("group ") else first.name
    return _digest(name, seed), first.group


def _digest(name: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed} {name}".encode(errors="replace")).digest()
