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
    power : int
        Its values are in 1/length to this power.
    """

    title: str
    symbol: str
    value: str = "probability"
    abscissa: str = "lag"
    power: int = 0


KINDS = {
    "two_point": Kind("two-point probability $S_2$", "$S_2$"),
    "lineal_path": Kind("lineal path $L$", "$L$"),
    "cluster": Kind("two-point cluster function $C_2$", "$C_2$"),
    "chord_length": Kind("chord-length density", "$p$", "density (1/voxel)", "chord length"),
    "surface_void": Kind("surface-void correlation $F_{sv}$", "$F_{sv}$", "1/voxel", power=1),
    "surface_surface": Kind(
        "surface-surface correlation $F_{ss}$", "$F_{ss}$", "1/voxel²", power=2
    ),
    "pore_size": Kind("cumulative pore size $F$", "$F$", "fraction of the phase", "distance"),
    "local_thickness": Kind(
        "local thickness", "$G$", "fraction of the phase", "radius of the largest sphere"
    ),
    "profile": Kind("profile", "φ", "volume fraction", "position"),
}
