"""A paragraph on how it was done, to be pasted into a paper, and what it cites."""

from collections.abc import Iterable

from microtwin._html import number
from microtwin.comparison.result import Comparison, Member
from microtwin.statistics._kinds import KINDS

TORQUATO = "S. Torquato, Random Heterogeneous Materials, Springer (2002)"
LU = "B. Lu and S. Torquato, Phys. Rev. A 45, 922 (1992)"
YEONG = "C. L. Y. Yeong and S. Torquato, Phys. Rev. E 57, 495 (1998)"
GOODFELLOW = "I. Goodfellow et al., Adv. Neural Inf. Process. Syst. 27 (2014)"
EFRON = "B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap, Chapman & Hall (1993)"
OHSER = "J. Ohser and F. Mücklich, Statistical Analysis of Microstructures, Wiley (2000)"


class Paper:
    """Sentences, and the works cited in the order of their numbers."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.works: list[str] = []

    def say(self, text: str, *works: str) -> None:
        """Add a sentence with its citations."""
        for work in works:
            if work not in self.works:
                self.works.append(work)
        numbers = ", ".join(str(self.works.index(work) + 1) for work in works)
        self.sentences.append(f"{text} [{numbers}]." if works else f"{text}.")


def methods(comparison: Comparison) -> Paper:
    """Describe how structures were measured, made and compared."""
    paper, real = Paper(), comparison.reference.description
    size = " × ".join(map(str, real.shape))
    unit = "voxels" if real.ndim == 3 else "pixels"
    of = f"{comparison.reference.samples} real samples of {size} {unit}"
    if real.spacing is not None:
        of += f" ({number(real.spacing[-1] * 1e9)} nm each)"
    paper.say(f"Structures were compared with {of}")
    names = dict.fromkeys(KINDS[f.statistic].name for f in real.functions)
    paper.say(
        f"Of each, {_listed(names)} of phase {_listed(map(str, real.phases))} were counted exactly "
        f"up to a lag of {real.max_lag} {unit}, "
        f"{'with' if real.periodic else 'without'} periodic boundaries, and averaged over the axes",
        TORQUATO, *((LU,) if any(f.statistic == "lineal_path" for f in real.functions) else ()),
    )  # fmt: skip
    for member in comparison.methods:
        _made(paper, member)
    if comparison.reference.conducting is not None:
        paper.say(
            "Effective conductivities along each axis were solved for by finite volumes to a "
            "certified relative error of 0.1 %, with fixed potentials at two opposite faces and "
            "insulated sides"
        )
    if comparison.rows:
        if comparison.reference.numbers:
            paper.say(
                "Minkowski functionals and connected clusters (by faces) were measured of each "
                "structure", OHSER,
            )  # fmt: skip
        paper.say(
            "The distance of a method is that between the means of its structures and of the real "
            "samples (of curves, the root mean square over the lags), in standard deviations "
            "between single real samples; intervals of 95 % are percentiles of bootstrap samples "
            "of both, and methods tie where the interval of the difference of their distances "
            "holds zero",
            EFRON,
        )
    paper.say(f"All was computed by microtwin {comparison.versions.get('microtwin', '')}")
    return paper


def _made(paper: Paper, member: Member) -> None:
    if member.kind == "baseline" or not member.samples:
        return
    if member.twins:
        asked = dict.fromkeys(KINDS[d.statistic].name for d in member.differences if d.asked)
        energies = [twin.energy for twin in member.twins]
        paper.say(
            f"“{member.name}” ({member.samples} structures) are made by simulated annealing to "
            f"{_listed(asked)} of the material by exchanges of voxels, down to an energy between "
            f"{number(min(energies), 2)} and {number(max(energies), 2)} (sum of squared errors)",
            YEONG,
        )
    elif member.kind == "generator" or member.training_seconds:
        paper.say(
            f"“{member.name}” ({member.samples} structures) come from a generative adversarial "
            "network trained on the material",
            GOODFELLOW,
        )
    else:
        paper.say(f"“{member.name}” are {member.samples} further structures")


def _listed(words: Iterable[str]) -> str:
    """Return words with commas, and "and" before the last."""
    *before, last = list(words) or ["nothing"]
    return f"{', '.join(before)} and {last}" if before else last
