"""`microtwin classify`: train classifiers of images, and ask them."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from microtwin.cli import _console, _options
from microtwin.cli._group import Group

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    help="Train classifiers of images, judge, ask and explain them.",
)

Run = Annotated[Path, typer.Option("--model", "-m", help="Folder of a trained classifier.")]
Images = Annotated[
    list[Path],
    typer.Argument(
        help="A folder with a sub-folder for each class, a catalogue (CSV), or images.",
        show_default=False,
    ),
]


Mirrored = Annotated[
    bool,
    typer.Option("--mirrored", help="Mean over each image and its mirror image: twice the time."),
]


@app.command()
def train(
    images: Images,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the run.")] = Path(
        "microtwin-classifier"
    ),
    preset: Annotated[
        str, typer.Option(help="Recipe; see `microtwin info --models`.")
    ] = "preclassifier",
    validation: Annotated[
        str, typer.Option(help="Share that is held out, or a folder or catalogue of its own.")
    ] = "0.2",
    epochs: Annotated[int | None, typer.Option(help="At most; those of the preset.")] = None,
    size: Annotated[
        int | None, typer.Option(help="Side that images are brought to; the network's own.")
    ] = None,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Let images of rarer classes count more.")
    ] = False,
    pretrained: Annotated[
        Path | None, typer.Option(help="Weights of the frozen part of a transfer network.")
    ] = None,
    augment: _options.Augment = None,
    start: Annotated[
        Path | None, typer.Option(help="Run of the same preset and classes to begin from.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="Learning rate at the start; that of the preset.")
    ] = None,
    seed: _options.Seed = 0,
    resume: _options.Resume = False,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Train a network to tell classes of images."""
    from microtwin._accelerator import jax_on
    from microtwin.classification import train_classifier

    with jax_on(device), _console.progress_bar("training") as progress:
        classifier = train_classifier(
            _options.one_or_all(images),
            preset=preset,
            workdir=output,
            validation=_options.share_or_path(validation, name="validation"),
            epochs=epochs,
            size=size,
            class_weights="balanced" if balanced else None,
            pretrained=pretrained,
            augmentation=_options.augmentation(augment),
            start=start,
            rate=rate,
            seed=seed,
            resume=resume,
            progress=progress,
        )
    settings, metrics = classifier.settings, classifier.metrics
    result = {
        "output": str(output),
        "preset": settings.preset,
        "classes": list(settings.classes),
        "images": settings.images,
        "validation": settings.validation,
        "epochs": len(classifier.history),
        "seconds": classifier.seconds,
        "seed": seed,
        **metrics,
    }
    if as_json:
        _console.write_json(result)
        return
    typer.echo(
        f"{output}: {settings.preset}, {', '.join(settings.classes)}; {settings.images} images, "
        f"{len(classifier.history)} epochs, {classifier.seconds:.0f} s; accuracy "
        f"{metrics['val_accuracy']:.4f} on {settings.validation} held out"
    )


@app.command()
def evaluate(
    images: Images,
    model: Run,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for an HTML report, JSON and CSV tables."),
    ] = None,
    mirrored: Mirrored = False,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Hold a classifier against images whose classes are known."""
    from microtwin._accelerator import jax_on
    from microtwin.classification import load_classifier, write_evaluation

    given = _options.one_or_all(images)
    with jax_on(device), _console.progress_bar("evaluating") as progress:
        classifier = load_classifier(model)
        if output is None:
            report = classifier.evaluate(given, mirrored=mirrored, progress=progress)
        else:
            names = " ".join(shlex.quote(str(path)) for path in images)
            ends = f"-m {shlex.quote(str(model))} -o {shlex.quote(str(output))}"
            report = write_evaluation(
                classifier,
                given,
                output=output,
                source=f"{classifier.settings.preset} on {names}",
                command=f"microtwin classify evaluate {names} {ends}"
                + (" --mirrored" if mirrored else ""),
                mirrored=mirrored,
                progress=progress,
            )
    if as_json:
        _console.write_json({"output": str(output) if output else None, **report.summary})
        return
    typer.echo(str(report))
    if output is not None:
        typer.echo(f"{output / 'report.html'}")


@app.command()
def explain(
    images: Images,
    model: Run,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for a sheet of each image.")
    ] = Path("microtwin-explained"),
    target: Annotated[
        str | None,
        typer.Option("--class", help="The class that is explained; the predicted one."),
    ] = None,
    most: Annotated[
        int, typer.Option(help="Of more images, how many are explained, evenly chosen.")
    ] = 50,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Show which parts of images speak for their class (Grad-CAM)."""
    from microtwin._accelerator import jax_on
    from microtwin.classification import load_classifier, write_explanations

    with jax_on(device), _console.progress_bar("explaining") as progress:
        explained = write_explanations(
            load_classifier(model),
            _options.one_or_all(images),
            target=target,
            most=most,
            output=output,
            progress=progress,
        )
    if as_json:
        _console.write_json(explained.to_dataframe().to_dict("records"))
        return
    typer.echo(f"{output}: overview.png, explanations.csv, {len(explained)} sheets")


@app.command()
def predict(
    images: Images,
    model: Run,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="CSV file with all probabilities.")
    ] = None,
    mirrored: Mirrored = False,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Say to which class each image belongs."""
    from microtwin._accelerator import jax_on
    from microtwin.classification import load_classifier

    with jax_on(device), _console.progress_bar("predicting") as progress:
        predictions = load_classifier(model).predict(
            _options.one_or_all(images), mirrored=mirrored, progress=progress
        )
    if output is not None:
        predictions.to_csv(output)
    likely = predictions.probabilities.max(axis=1).tolist()
    rows = zip(predictions.sources, predictions.labels, likely, strict=True)
    if as_json:
        _console.write_json(
            [{"image": i, "predicted": label, "probability": p} for i, label, p in rows]
        )
        return
    if output is None:
        _console.write_table(
            ((image, label, f"{p:.4f}") for image, label, p in rows),
            columns=("image", "class", "probability"),
        )
        return
    counts = {name: predictions.labels.count(name) for name in predictions.classes}
    typer.echo(f"{output}: " + ", ".join(f"{n} {name}" for name, n in counts.items()))
