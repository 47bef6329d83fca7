"""What each curve is called, and in which units it is drawn."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """How a statistic is presented.

    Attributes
    ----------
    title, symbol : str
        Its name in words, and as the field writes it: for figures, which set mathematics.
    heading, name : str
        The same for plain text: above a figure, and within a sentence.
    value, abscissa : str
        What lies on the two axes of a plot.
    tapers : bool
        Whether it is drawn only as far as anything was seen: a distribution of sizes.
    """

    title: str
    symbol: str
    heading: str
    name: str
    value: str = "probability"
    abscissa: str = "lag"
    tapers: bool = False


KINDS = {
    "two_point": Kind(
        "two-point probability $S_2$", "$S_2$", "Two-point probability S₂", "S₂",
    ),
    "lineal_path": Kind("lineal path $L$", "$L$", "Lineal path L", "L"),
    "cluster": Kind(
        "two-point cluster function $C_2$", "$C_2$", "Two-point cluster function C₂", "C₂",
    ),
    "chord_length": Kind(
        "chord-length density", "$p$", "Chord lengths", "chord lengths",
        value="density (1/voxel)", abscissa="chord length", tapers=True,
    ),
    "surface_void": Kind(
        "surface-void correlation $F_{sv}$", "$F_{sv}$", "Surface-void correlation",
        "surface-void correlation", value="1/voxel",
    ),
    "surface_surface": Kind(
        "surface-surface correlation $F_{ss}$", "$F_{ss}$", "Surface-surface correlation",
        "surface-surface correlation", value="1/voxel²",
    ),
    "pore_size": Kind(
        "cumulative pore size $F$", "$F$", "Cumulative pore size", "pore sizes",
        value="fraction of the phase", abscissa="distance", tapers=True,
    ),
    "local_thickness": Kind(
        "local thickness", "$G$", "Local thickness", "local thickness",
        value="fraction of the phase", abscissa="radius of the largest sphere", tapers=True,
    ),
    "profile": Kind(
        "profile", "φ", "Profile", "profile", value="volume fraction", abscissa="position",
    ),
}  # fmt: skip
