"""Options that several commands share, and how their texts are read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microtwin.errors import InputError

if TYPE_CHECKING:
    from microtwin.classification import Augmentation

Files = Annotated[
    list[Path], typer.Argument(help="Images, volumes, or folders of them.", show_default=False)
]
Seed = Annotated[int, typer.Option(help="Same seed, same result.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Threads = Annotated[
    int | None, typer.Option(help="Threads of the core; one a processor core unless given.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Write the result as JSON to stdout, and nothing else there.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")]
Phase = Annotated[
    str | None, typer.Option(help="Label of the phase, or several: 1 or 1,0. All unless given.")
]
MaxLag = Annotated[
    int | None, typer.Option(help="Largest lag in voxels; half the shortest side unless given.")
]
Periodic = Annotated[bool, typer.Option("--periodic", help="Let lags wrap at the faces.")]
Spacing = Annotated[
    str | None,
    typer.Option(help="Voxel edge in metres, for instance 4e-9, or one an axis: 8e-9,4e-9,4e-9."),
]
Channel = Annotated[
    str | None, typer.Option(help="What to take of a colour image: red, green, blue, luminance.")
]
CropInfoBar = Annotated[
    str,
    typer.Option(
        help="Cut off the data bar under SEM images: auto (where one is found), no, or how many "
        "rows."
    ),
]
Stack = Annotated[
    bool,
    typer.Option("--stack", help="Take files with several pages as many images, not as a volume."),
]
RawShape = Annotated[
    str | None, typer.Option(help="Shape of raw files, slowest axis first: 100,256,256.")
]
RawDtype = Annotated[str | None, typer.Option(help="Type of the numbers in raw files; uint8.")]
Key = Annotated[str | None, typer.Option(help="Which array of npz and HDF5 files with several.")]

# What a command for one and one for many have in common.
Conductors = Annotated[
    str | None,
    typer.Option("--k", help="Conductivity of each label: 0=0,1=1. Or name a --phase."),
]
Conducting = Annotated[
    str | None,
    typer.Option(help="Label that it diffuses through, or several: 1 or 1,2; none other."),
]
Sides = Annotated[str, typer.Option(help="The faces along the axis: insulated or periodic.")]
IntervalWidth = Annotated[
    float, typer.Option(help="Relative width of the certified interval to stop at.")
]
SolverSteps = Annotated[int, typer.Option(help="Steps of the solver at most.")]
References = Annotated[
    list[Path],
    typer.Option(
        "--reference",
        "-r",
        help="Real images or volumes, or a description (.json, .csv); may be given many times.",
    ),
]
LargestScore = Annotated[
    float | None,
    typer.Option(help="Largest score that passes; unless given, what --accept real ones pass."),
]
Accept = Annotated[
    float, typer.Option(help="Fraction of real samples that the tolerance is to pass.")
]
FunctionWeights = Annotated[
    str | None,
    typer.Option(help="Weights of functions: lineal_path=0.5,two_point=1; balanced else."),
]
MapRadius = Annotated[
    int | None,
    typer.Option(help="Voxels within which S2 is annealed in every direction; 0 for none."),
]
TwinPeriodic = Annotated[
    bool | None,
    typer.Option(help="Let lags of the twin wrap at its faces; as in the target unless given."),
]
SquaredError = Annotated[float, typer.Option(help="Total squared error at which to stop.")]
MaxProposals = Annotated[int | None, typer.Option(help="Stop after so many exchanges proposed.")]
Levels = Annotated[int, typer.Option(help="Coarse to fine, over so many sizes.")]

Augment = Annotated[
    str | None,
    typer.Option(
        help="How training images are changed: rotation=20,zoom=0.8:1.2,flip=both, of rotation, "
        "shift, shear, zoom, flip, brightness, noise; or none. As the preset says unless given."
    ),
]


def augmentation(text: str | None) -> "Augmentation | None":
    """Read how training images are changed."""
    if text is None:
        return None
    from microtwin.classification import Augmentation

    return Augmentation.from_text(text)


def integers(text: str | None, *, name: str) -> tuple[int, ...] | None:
    """Read whole numbers with commas between them."""
    try:
        return None if text is None else tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"{name} must be whole numbers with commas between, not {text!r}"
        ) from None


def integer(text: str, *, name: str) -> int:
    """Read one whole number."""
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{name} must be one whole number, not {text!r}") from None


def number(text: str, *, name: str) -> float:
    """Read one number."""
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{name} must be a number, not {text!r}") from None


def numbers(text: str | None, *, name: str) -> tuple[float, ...] | float | None:
    """Read one number, or several with commas between them."""
    if text is None:
        return None
    values = tuple(number(part, name=name) for part in text.split(","))
    return values[0] if len(values) == 1 else values


def names(text: str) -> str | list[str]:
    """Read names with commas between them; "all" stays as it is."""
    return text if text == "all" else [part.strip() for part in text.split(",")]


def one_or_all(paths: list[Path]) -> Path | list[Path]:
    """Return a single folder or table by itself, several paths as they are."""
    return paths[0] if len(paths) == 1 else paths


def share_or_path(text: str, *, name: str) -> float | Path:
    """Read a share between 0 and 1, or the path of what is there."""
    if Path(text).exists():
        return Path(text)
    try:
        return float(text)
    except ValueError:
        raise InputError(
            f"{name} must be a share such as 0.2, or an existing folder or table; not {text!r}"
        ) from None


def phases(text: str | None) -> int | tuple[int, ...] | None:
    """Read one label or several."""
    values = integers(text, name="phase")
    return values[0] if values is not None and len(values) == 1 else values


def conductivities(k: str) -> dict[int, float]:
    """Read a number for each label: 0=0,1=1."""
    found: dict[int, float] = {}
    for part in k.split(","):
        label, equals, value = part.partition("=")
        if not equals:
            raise InputError(f"k must be label=number with commas between, 0=0,1=1; not {k!r}")
        known = integer(label, name="each label in k")
        if known in found:
            raise InputError(f"k must name each label once, not {known} twice")
        found[known] = number(value, name=f"k of label {known}")
    return found


def rows_to_crop(text: str) -> bool | int:
    """Read what to do with the info bar."""
    if text in ("auto", "no"):
        return text == "auto"
    try:
        return int(text)
    except ValueError:
        raise InputError(
            f"crop-info-bar must be auto, no or a number of rows, not {text!r}"
        ) from None
