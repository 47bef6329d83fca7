"""`microtwin info`: what is installed, and what it can use."""

import platform
from typing import Annotated, Any

import typer

from microtwin.cli import _console, _options


def command(
    models: Annotated[
        bool, typer.Option("--models", help="List the networks and the presets that use them.")
    ] = False,
    as_json: _options.Json = False,
) -> None:
    """Say versions, devices and threads; list the networks."""
    if models:
        _models(as_json)
    else:
        _machine(as_json)


def _machine(as_json: bool) -> None:
    import jax

    from microtwin import _backend
    from microtwin._version import versions

    built = _backend.cuda_module() is not None
    facts: dict[str, Any] = {
        "versions": versions(),
        "platform": platform.platform(),
        "threads": _backend.available_cores(),
        "cuda": {"built": built, "devices": _backend.cuda_device_count()},
        "jax_devices": [str(device) for device in jax.devices()],
    }
    if as_json:
        _console.write_json(facts)
        return
    rows = [
        *facts["versions"].items(),
        ("platform", facts["platform"]),
        ("threads", facts["threads"]),
        ("CUDA core", f"built, {facts['cuda']['devices']} devices" if built else "not built"),
        ("JAX devices", ", ".join(facts["jax_devices"])),
    ]
    _console.write_table(rows, columns=("", "microtwin"))


def _models(as_json: bool) -> None:
    from microtwin.classification import PRESETS as CLASSIFIERS
    from microtwin.generation import DEFAULT, PRESETS
    from microtwin.models import registry

    networks = registry.table()
    presets: list[dict[str, Any]] = [
        {
            "name": preset.name,
            "default": preset.name == DEFAULT,
            "summary": preset.summary,
            "size": preset.size,
            "steps": preset.steps,
            "generator": preset.generator,
            "critic": preset.critic,
        }
        for preset in PRESETS.values()
    ]
    classifiers: list[dict[str, Any]] = [
        {
            "name": recipe.name,
            "summary": recipe.summary,
            "architecture": recipe.architecture,
            "size": list(registry.ARCHITECTURES[recipe.architecture].takes or ()),
            "epochs": recipe.epochs,
        }
        for recipe in CLASSIFIERS.values()
    ]
    if as_json:
        _console.write_json({"models": networks, "presets": presets, "classifiers": classifiers})
        return
    _console.write_table(
        ((m["name"], f"{m['parameters']:,}", f"{m['trainable']:,}") for m in networks),
        columns=("network", "parameters", "trainable"),
    )
    _console.write_table(
        (
            (
                p["name"] + (" (default)" if p["default"] else ""),
                p["size"],
                p["steps"],
                p["summary"],
            )
            for p in presets
        ),
        columns=("preset of train", "patch", "steps", ""),
    )
    _console.write_table(
        (
            (c["name"], "x".join(map(str, c["size"])), c["epochs"], c["summary"])
            for c in classifiers
        ),
        columns=("preset of classify", "images", "epochs", ""),
    )
