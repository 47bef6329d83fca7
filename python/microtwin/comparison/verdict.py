"""What the numbers of a comparison say in plain words, no more than they do."""

from microtwin.comparison.difference import Difference
from microtwin.comparison.result import Comparison, Member

NAMES = {"two_point": "S₂", "lineal_path": "L"}

CHANCE = 2.5  # differences of more standard errors than this are called measurable
_ALIKE, _UNLIKE = 0.6, 1.6  # variety below or above which it is worth a sentence

_CAVEATS = {
    "annealing": (
        "Annealing was optimised for just these curves, so that agreement here is built in; it "
        "says nothing about what was not asked for, such as connectivity."
    ),
}

CAVEAT = (
    "Equal S₂ and L do not prove equal structure: different structures can share both. The band "
    "is the spread between single real samples of the same size, mean ± 1.96 standard deviations."
)


def verdict(comparison: Comparison, member: Member) -> str:
    """Return a few sentences on one method."""
    if member is comparison.reference:
        return f"What the others are held against: {_count(member)}."
    sentences = [_band(member), _farthest(member), _variety(comparison, member)]
    return " ".join(filter(None, [*sentences, _CAVEATS.get(member.kind, "")]))


def name_of(difference: Difference) -> str:
    """Return a short name such as "S₂ of phase 1"."""
    return f"{NAMES[difference.statistic]} of phase {difference.phase}"


def _band(member: Member) -> str:
    inside = member.inside
    if inside is None:
        return (
            f"Root-mean-square difference {member.rms:.2g}; with a single real sample there is no "
            "band to judge it by."
        )
    where = "all lags" if inside == 1 else f"{_percent(inside)} of the lags"
    return f"Inside the real band at {where}. {_words(inside, member.rms_in_errors)}"


def _words(inside: float, errors: float | None) -> str:
    """Return what may be said: the band judges single samples, standard errors judge means."""
    if inside < 0.5:
        return "By these curves they are clearly something else than real samples."
    if inside < 0.95:
        return "By these curves they are near real samples, not equal to them."
    if errors is not None and errors > CHANCE:
        return (
            "A curve like their mean may be that of a real sample, but it is not the real mean: it "
            f"is {errors:.2g} times as far off as chance explains."
        )
    return "In the mean of these curves they cannot be told from real samples."


def _farthest(member: Member) -> str:
    measured = [d for d in member.differences if d.rms_in_spreads is not None]
    if not measured:
        return ""
    worst = max(measured, key=lambda d: d.rms_in_spreads or 0.0)
    return (
        f"Farthest off is {name_of(worst)}: root mean square {worst.rms:.2g}, or "
        f"{worst.rms_in_spreads:.2g} of the spread between real samples."
    )


def _variety(comparison: Comparison, member: Member) -> str:
    variety = member.variety(comparison.reference)
    if variety is None or _ALIKE <= variety <= _UNLIKE:
        return ""
    words = "less" if variety < 1 else "more"
    return (
        f"They vary {words} from sample to sample than real ones do: {variety:.2g} times as much."
    )


def _count(member: Member) -> str:
    shape = " × ".join(map(str, member.description.shape))
    noun = "sample" if member.samples == 1 else "samples"
    return f"{member.samples} {noun} of {shape}"


def _percent(fraction: float) -> str:
    """Return whole per cent, without calling anything short of all 100 %, or more than none 0 %."""
    whole = min(max(round(100 * fraction), 1), 99) if 0 < fraction < 1 else round(100 * fraction)
    return f"{whole} %"
