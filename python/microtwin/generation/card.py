"""The model card: what a generator is and how good it is, for people."""

from collections.abc import Mapping, Sequence

from microtwin import _files
from microtwin.generation.run_folder import RunFolder, Settings


def write(
    folder: RunFolder,
    settings: Settings,
    *,
    steps: int,
    seconds: float,
    metrics: Mapping[str, float],
) -> None:
    """Write the card, in Markdown, to a folder.

    Parameters
    ----------
    folder : RunFolder
        Where to.
    settings : Settings
        Of the run.
    steps : int
        After which the weights were taken.
    seconds : float
        Of training.
    metrics : mapping
        What validation measured then; may be empty.
    """
    recipe = settings.recipe
    sides = " x ".join([str(recipe.size)] * recipe.axes)
    source = "labels" if settings.labelled else "grey levels"
    lines = [
        f"# Generator `{recipe.name}`",
        "",
        f"{recipe.summary[0].upper()}{recipe.summary[1:]}. Open it with "
        "`microtwin.load_generator(folder)`; draw with `.sample(n, shape=, seed=)` or "
        "`microtwin sample folder`.",
        "",
        "## Data",
        "",
        f"- {settings.images} {'volumes' if recipe.sees == 3 else 'images'} of {source}, "
        f"{settings.phases} phases, digest `{settings.digest}`"
        + (", each direction from images of its own" if settings.directions == 3 else ""),
        f"- phase fractions: {_numbers(settings.fractions)}; porosity of 90 % of the patches: "
        f"{settings.porosities[0]:.4f} to {settings.porosities[1]:.4f}",
        f"- thresholds: {_numbers(settings.thresholds) or 'none, one channel a phase'}",
        f"- patches {'turned and ' if settings.rotations else ''}"
        f"{'mirrored' if settings.mirrors else 'as they are'}",
        f"- voxel edge: {_edges(settings.spacing)}",
        "",
        "## Training",
        "",
        f"- patches of {' x '.join([str(recipe.size)] * recipe.sees)}, samples of {sides}"
        + (" or any other size" if recipe.any_size else ""),
        f"- weights after step {steps}; {seconds:.0f} s of training; seed {settings.seed}; "
        f"generator in {settings.precision}",
        f"- augmentation: {', '.join(settings.augment or ()) or 'none'}",
        f"- porosity can be asked for: {'no' if settings.condition is None else 'yes'}",
        "- versions: " + ", ".join(f"{name} {v}" for name, v in settings.versions.items()),
        "",
        "## Metrics",
        "",
        "Against "
        + (settings.validation or "the training images: there was too little to hold out")
        + "; root-mean-square over the lags up to half a patch, in units of the phase fraction.",
        "",
    ]
    lines += ["| | |", "|---|---|"] if metrics else ["Not validated."]
    lines += [f"| {name.replace('_', ' ')} | {value:.4g} |" for name, value in metrics.items()]
    _files.write_text(folder.card_file, "\n".join([*lines, ""]))


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4f}" for value in values)


def _edges(spacing: Sequence[float] | None) -> str:
    return "not known" if spacing is None else " x ".join(f"{edge:.4g} m" for edge in spacing)
