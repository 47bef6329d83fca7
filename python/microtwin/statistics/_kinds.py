"""What each curve is called, and in which units it is drawn."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """How a statistic is presented.

    Attributes
    ----------
    title, symbol : str
        Its name in words, and as the field writes it.
    value, abscissa : str
        What lies on the two axes of a plot.
    tapers : bool
        Whether it is drawn only as far as anything was seen: a distribution of sizes.
    """

    title: str
    symbol: str
    value: str = "probability"
    abscissa: str = "lag"
    tapers: bool = False


KINDS = {
    "two_point": Kind("two-point probability $S_2$", "$S_2$"),
    "lineal_path": Kind("lineal path $L$", "$L$"),
    "cluster": Kind("two-point cluster function $C_2$", "$C_2$"),
    "chord_length": Kind("chord-length density", "$p$", "density (1/voxel)", "chord length", True),
    "surface_void": Kind("surface-void correlation $F_{sv}$", "$F_{sv}$", "1/voxel"),
    "surface_surface": Kind("surface-surface correlation $F_{ss}$", "$F_{ss}$", "1/voxel²"),
    "pore_size": Kind("cumulative pore size $F$", "$F$", "fraction of the phase", "distance", True),
    "local_thickness": Kind(
        "local thickness", "$G$", "fraction of the phase", "radius of the largest sphere", True
    ),
    "profile": Kind("profile", "φ", "volume fraction", "position"),
}
