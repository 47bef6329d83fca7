"""What the numbers of a comparison say in plain words, no more than they do."""

from microtwin._html import duration, number
from microtwin.comparison.difference import Difference
from microtwin.comparison.result import Comparison, Member
from microtwin.statistics._kinds import KINDS

CHANCE = 2.5  # standard errors from which on two means are called different
_ALIKE, _UNLIKE = 0.6, 1.6  # variety below or above which it is worth a sentence

_BUILT_IN = (
    "Annealing was optimised for just these curves: agreement is built in, and says nothing of "
    "what was not asked for, such as connectivity."
)

CAVEAT = (
    "Equal S₂ and L do not prove equal structure: different structures can share both. The band "
    "is the spread between single real samples of the same size, mean ± 1.96 standard deviations."
)


def verdict(comparison: Comparison, member: Member) -> str:
    """Return a few sentences on one method."""
    if member is comparison.reference:
        return f"What the others are held against: {_count(member)}."
    sentences = [
        _band(member),
        _farthest(member),
        _baseline(comparison, member),
        _variety(comparison, member),
        _effort(comparison, member),
        _held(member),
        _blind(member) if member.kind == "annealing" else "",
    ]
    return " ".join(filter(None, sentences))


def name_of(difference: Difference) -> str:
    """Return a short name such as "S₂ of phase 1"."""
    return f"{KINDS[difference.statistic].name} of phase {difference.phase}"


def _band(member: Member) -> str:
    """Judge single samples by the band, and means by their standard errors."""
    inside, errors = member.inside, member.rms_in_errors
    if inside is None:
        return (
            f"Off by {member.rms:.2g} (root mean square); with a single real sample there is no "
            "band to judge that by."
        )
    where = f"Inside the real band at {'all lags' if inside == 1 else _percent(inside)}"
    if inside < 0.5:
        return f"{where}: clearly not the same."
    if inside < 0.95:
        return f"{where}: near, not equal."
    if errors is not None and errors > CHANCE:
        return f"{where}, but the means differ: by {errors:.2g} standard errors."
    return f"{where}, and the means agree within chance."


def _blind(member: Member) -> str:
    """Tell of twins how they fare in what they were not annealed to."""
    rest = [d for d in member.differences if not d.asked]
    if not rest:
        return _BUILT_IN
    known = {d.statistic for d in member.differences if d.asked}
    words = (name_of(d) if d.statistic in known else KINDS[d.statistic].name for d in rest)
    names = ", ".join(dict.fromkeys(words))
    text = f"Not annealed to: {names}"
    fractions = [d.inside for d in rest if d.inside is not None]
    if fractions:
        text += f", in the band at {_percent(sum(fractions) / len(fractions))}"
    return f"{text}. Agreement in the others is built in."


def _farthest(member: Member) -> str:
    measured = [d for d in member.differences if d.rms_in_spreads is not None]
    if not measured:
        return ""
    worst = max(measured, key=lambda d: d.rms_in_spreads or 0.0)
    if worst.rms == 0:
        return ""
    return (
        f"Farthest off: {name_of(worst)}, by {worst.rms:.2g} or "
        f"{worst.rms_in_spreads:.2g} real spreads."
    )


def _baseline(comparison: Comparison, member: Member) -> str:
    """Hold the method against other real structures: nearer than these it need not be."""
    baseline = next((m for m in comparison.methods if m.kind == "baseline"), None)
    if baseline is None or baseline is member or baseline.rms == 0:
        return ""
    times = member.rms / baseline.rms
    return f"Taken together {times:.1f} times as far from the real mean as “{baseline.name}” is."


def _variety(comparison: Comparison, member: Member) -> str:
    variety = member.variety(comparison.reference)
    if variety is None or _ALIKE <= variety <= _UNLIKE:
        return ""
    words = "less" if variety < 1 else "more"
    return f"They vary {words} than real samples do: {variety:.2g} times as much."


def _effort(comparison: Comparison, member: Member) -> str:
    """Tell of what had to be trained from how many structures on that has paid off."""
    each = member.seconds_each
    if not member.training_seconds or each is None:
        return ""
    once = duration(each) if each >= 1 else f"{number(each, 2)} s"
    text = f"Trained for {duration(member.training_seconds)}, then {once} each"
    others = (m for m in comparison.methods if m is not member and m.seconds_each is not None)
    other = next(others, None)
    if other is None or other.description.shape != member.description.shape:
        return f"{text}."
    count = member.pays_off(other)
    if count is None:
        return f"{text}: always more time than “{other.name}”."
    return f"{text}: less time than “{other.name}” from {count} structures on."


def _held(member: Member) -> str:
    if member.memory is None:
        return ""
    return f"Made within {member.memory / 1e9:.2g} GB of memory."


def _count(member: Member) -> str:
    shape = " × ".join(map(str, member.description.shape))
    noun = "sample" if member.samples == 1 else "samples"
    return f"{member.samples} {noun} of {shape}"


def _percent(fraction: float) -> str:
    """Return whole per cent, with 0 and 100 % for none and all only."""
    whole = round(100 * fraction)
    return f"{whole if fraction in (0, 1) else min(max(whole, 1), 99)} % of the lags"
