"""`microtwin select`: which images are fit for use."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microtwin.cli import _console, _options
from microtwin.cli._group import BAD_INPUT, Group

if TYPE_CHECKING:
    from microtwin.selection import Judged, Summary

NOTHING = 1

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    help="Choose the images that are fit for use: label some, have a network label the rest.",
    epilog="In turns: ask, label, train, predict; then ask again.",
)

Source = Annotated[
    Path,
    typer.Argument(
        metavar="TABLE|FOLDER",
        help="A catalogue (CSV), or a folder, whose catalogue.csv is made or brought up to date.",
        show_default=False,
    ),
]
Labels = Annotated[
    str, typer.Option(help="What a fit image is called, and an unfit one, with a comma between.")
]
Model = Annotated[
    Path | None,
    typer.Option("--model", "-m", help="Folder of a trained network; the newest of the table."),
]
YES_NO = "YES,NO"


@app.command()
def label(
    source: Source,
    by: Annotated[
        str | None, typer.Option(help="Who labels; the name of the account unless given.")
    ] = None,
    given: Annotated[
        Path | None,
        typer.Option("--from", help="Take labels from a table with id (or path) and label."),
    ] = None,
    put: Annotated[
        str | None,
        typer.Option("--set", help="Give the images whose ids follow this label."),
    ] = None,
    ids: Annotated[
        list[int] | None, typer.Argument(help="Ids, with --set.", show_default=False)
    ] = None,
    asked: Annotated[
        Path | None, typer.Option(help="Show the images that `select ask -o` wrote, in that order.")
    ] = None,
    labels_from_folders: Annotated[
        bool,
        typer.Option("--labels-from-folders", help="Sub-folders are labels of what lies in them."),
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview/--no-preview", help="Draw the images in the terminal.")
    ] = True,
    labels: Labels = YES_NO,
    as_json: _options.Json = False,
) -> None:
    """Label images: one after the other with keys, from a table, or by their ids.

    Every answer is on disk before the next image is shown. What somebody has labelled is not shown
    again.
    """
    from getpass import getuser

    from microtwin.errors import InputError
    from microtwin.images import Catalogue
    from microtwin.selection import Labelling, read_answers, table_of
    from microtwin.selection.labelling import person

    if (given is not None) + (put is not None) + (asked is not None) > 1:
        raise InputError("from, set and asked exclude each other: give one of them")
    if (put is None) != (not ids):
        raise InputError("set needs a label and ids: --set YES 3 5 8")
    who = person(by or getuser())
    names = _two(labels)
    table = table_of(source, labels_from_folders=labels_from_folders)
    result: dict[str, Any] = {"table": str(table), "by": who}
    if given is not None or put is not None:
        if put is not None:
            answers = {who: dict.fromkeys(ids or (), put)}
        else:
            assert given is not None
            answers = read_answers(given, Catalogue.from_csv(table))
        strange = {name for each in answers.values() for name in each.values()} - set(names)
        if strange:
            raise InputError(
                f"labels must be {' or '.join(names)}, not {', '.join(sorted(strange))}"
            )
        for name, each in answers.items():
            Catalogue.update(table, each, by=name or who)
        result["labelled"] = sum(map(len, answers.values()))
        _tell(result, as_json, f"{table}: {result['labelled']} labelled")
        return
    from microtwin.cli._label import keys

    order = None if asked is None else [entry.id for entry in Catalogue.from_csv(asked)]
    session = Labelling(table, by=who, order=order, labels=names)
    if session.total == 0:
        _tell({**result, "labelled": 0}, as_json, f"{table}: every image has been labelled")
        raise typer.Exit(NOTHING)
    result["labelled"] = keys(session, preview=preview and not as_json)
    seen = session.agreement
    result |= {"left": session.total - session.done, "model_right": seen.right}
    result["model_judged"] = seen.judged
    text = f"{table}: {result['labelled']} labelled, {result['left']} left"
    if seen.judged:
        text += f"; the model had been right about {seen.right} of {seen.judged}"
    _tell(result, as_json, text)


@app.command()
def ask(
    source: Source,
    count: Annotated[int, typer.Option("--count", "-n", help="How many images.")] = 24,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the list as CSV, for `label --asked`."),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(help="margin, uncertainty, entropy, badge, coverage or random."),
    ] = None,
    diversity: Annotated[str | None, typer.Option(help="k-means, k-centre or none.")] = None,
    validation: Annotated[
        float, typer.Option(help="Share drawn at random, to judge the model by.")
    ] = 1 / 6,
    model: Model = None,
    seed: _options.Seed = 0,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Say which images to label next: those the model is least sure of, but unlike each other.

    Without scores in the table (see `predict`), images that are unlike each other are chosen.
    """
    from microtwin.cli import _files
    from microtwin.images import Catalogue
    from microtwin.selection import ask_next, table_of

    _files.check_suffix(output, (".csv",), name="output")
    table = table_of(source)
    with _console.progress_bar("looking at images") as progress:
        questions = ask_next(
            table,
            count,
            model=None if model is None else _opened(model, device),
            strategy=strategy,
            diversity=diversity,
            validation=validation,
            seed=seed,
            progress=progress,
        )
    rows = [
        {"id": q.id, "path": str(q.path), "split": q.split, "score": q.score, "doubt": q.doubt}
        for q in questions
    ]
    if output is not None and questions:
        now = Catalogue.from_csv(table)
        Catalogue(tuple(now[q.id] for q in questions)).to_csv(output)
    if as_json:
        _console.write_json({"table": str(table), "asked": rows})
    elif rows:
        _console.write_table(
            ((q.id, _number(q.score), _number(q.doubt), q.split, q.path) for q in questions),
            columns=("id", "score", "doubt", "for", "file"),
        )
    else:
        typer.echo(f"{table}: every image has been labelled")
    if not rows:
        raise typer.Exit(NOTHING)


@app.command()
def train(
    source: Source,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the run; the next of the table's."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="At most; 50 unless given.")] = None,
    size: Annotated[int | None, typer.Option(help="Side of the images in pixels; 320.")] = None,
    preset: Annotated[str, typer.Option(help="Another recipe.")] = "preclassifier",
    augment: _options.Augment = None,
    labels: Labels = YES_NO,
    seed: _options.Seed = 0,
    resume: _options.Resume = False,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Train the preclassifier on what persons have labelled.

    Ends with code 1 where the network is no better than always giving the commoner label.
    """
    from microtwin._accelerator import jax_on
    from microtwin.images import Catalogue
    from microtwin.selection import Judged, Rounds, table_of, train_preclassifier

    table = table_of(source)
    folder = output or Rounds(table).upcoming(resume=resume)
    with jax_on(device), _console.progress_bar("training") as progress:
        model = train_preclassifier(
            table,
            workdir=folder,
            labels=_two(labels),
            preset=preset,
            epochs=epochs,
            size=size,
            augmentation=_options.augmentation(augment),
            seed=seed,
            resume=resume,
            progress=progress,
        )
    held_out = model.settings.validation
    accuracy = float(model.metrics["val_accuracy"])
    judged = Judged.of(round(accuracy * held_out), held_out)
    rows = Catalogue.from_csv(table).where(lambda e: e.by_person and e.split == "validation")
    found = [sum(entry.label == name for entry in rows) for name in model.classes]
    commoner = max(found) / max(sum(found), 1)
    result = {
        "table": str(table),
        "output": str(folder),
        "images": model.settings.images,
        "validation": held_out,
        "epochs": len(model.history),
        "seconds": model.seconds,
        **model.metrics,
        "low": judged.low,
        "high": judged.high,
        "commoner_label": commoner,
    }
    text = (
        f"{folder}: {model.settings.images} images, {len(model.history)} epochs, "
        f"{model.seconds:.0f} s; {_accuracy(judged)} (always the commoner label: {commoner:.3f})"
    )
    _tell(result, as_json, text)
    if accuracy <= commoner:
        _console.note("no better than always giving the commoner label: label more images")
        raise typer.Exit(NOTHING)


@app.command()
def predict(
    source: Source,
    model: Model = None,
    sure: Annotated[
        float, typer.Option(help="How likely a label must be to be given, 0.5 to 1.")
    ] = 0.5,
    labels: Labels = YES_NO,
    resume: Annotated[
        bool, typer.Option("--resume", help="Leave out images that have a score.")
    ] = False,
    device: _options.Device = "auto",
    as_json: _options.Json = False,
) -> None:
    """Have the network label all images; what persons said stays."""
    from microtwin._accelerator import jax_on
    from microtwin.selection import Rounds, predict_labels, summarise, table_of

    table = table_of(source)
    names = _two(labels)
    with jax_on(device), _console.progress_bar("predicting") as progress:
        after, failed = predict_labels(
            table,
            _opened(model or Rounds(table).newest(), device),
            labels=names,
            sure=sure,
            resume=resume,
            progress=progress,
        )
    for number, reason in failed.items():
        _console.note(f"image {number}: {reason}")
    summary = summarise(after, positive=names[0])
    result = {**_counts(summary), "table": str(table), "failed": failed}
    _tell(result, as_json, f"{table}: {_in_words(summary)}")
    if failed:
        raise typer.Exit(BAD_INPUT)


@app.command()
def status(
    source: Source,
    labels: Labels = YES_NO,
    as_json: _options.Json = False,
) -> None:
    """Count labels, splits and who gave them; say how good the network is, and of what."""
    from microtwin.selection import Rounds, summarise, table_of

    table = table_of(source)
    summary = summarise(table, positive=_two(labels)[0])
    curve = Rounds(table).curve()
    if as_json:
        rounds = [{name: getattr(one, name) for name in type(one).__slots__} for one in curve]
        _console.write_json({"table": str(table), **_counts(summary), "rounds": rounds})
        return
    typer.echo(f"{table}: {_in_words(summary)}")
    for title, counts in (
        ("label", summary.labels), ("split", summary.splits), ("by", summary.people),
    ):  # fmt: skip
        rows = sorted((name or "(none)", number) for name, number in counts.items())
        if rows:
            _console.write_table(rows, columns=(title, "images"))
    if curve:
        _console.write_table(
            ((r.number, r.labels, r.validation, f"{r.accuracy:.3f}", r.epochs) for r in curve),
            columns=("round", "learned from", "held out", "accuracy", "epochs"),
        )
    if summary.doubted:
        _console.note(f"look again, the model is sure of the opposite: {_few(summary.doubted)}")
    if summary.missing:
        _console.note(f"files that are not there: {_few(summary.missing)}")


def _two(text: str) -> tuple[str, str]:
    from microtwin.errors import InputError

    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2:
        raise InputError(f"labels must be two names with a comma between, YES,NO; not {text!r}")
    return parts[0], parts[1]


def _opened(folder: Path, device: str) -> Any:
    from microtwin._accelerator import jax_on
    from microtwin.classification import load_classifier

    with jax_on(device):
        return load_classifier(folder)


def _tell(result: dict[str, Any], as_json: bool, text: str) -> None:
    if as_json:
        _console.write_json(result)
    else:
        typer.echo(text)


def _counts(summary: "Summary") -> dict[str, Any]:
    judged = summary.validation
    return {
        "images": summary.images,
        "labels": dict(summary.labels),
        "splits": dict(summary.splits),
        "by": dict(summary.people),
        "by_hand": dict(summary.by_hand),
        "scored": summary.scored,
        "validation": None
        if judged is None
        else {
            "images": judged.images,
            "right": judged.right,
            "accuracy": judged.accuracy,
            "low": judged.low,
            "high": judged.high,
        },
        "doubted": list(summary.doubted),
        "missing": list(summary.missing),
    }


def _in_words(summary: "Summary") -> str:
    text = (
        f"{summary.images} images, {sum(summary.by_hand.values())} labelled by hand, "
        f"{summary.left_to_the_model} by the model"
    )
    return text if summary.validation is None else f"{text}; {_accuracy(summary.validation)}"


def _accuracy(judged: "Judged") -> str:
    return (
        f"accuracy {judged.accuracy:.3f} on {judged.images} held out, "
        f"{judged.low:.3f} to {judged.high:.3f} with 95 % certainty"
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _few(ids: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, ids[:12]))
    return shown if len(ids) <= 12 else f"{shown} and {len(ids) - 12} more"
