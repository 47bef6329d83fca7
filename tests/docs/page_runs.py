"""What the pages do, done small: bounds on numbers, networks that train in a blink, a cluster.

The text that readers see is run as it stands. What would take hours is cut where it is called: a
number above one of `AT_MOST` is brought down to it, in Python and on the command line alike, and
what `UNLESS_SAID` names is given where a page leaves it to the default.
"""

import functools
import inspect
import re
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import jax
import pytest
import typer.main
from jax.experimental.compilation_cache import compilation_cache

import microtwin as mt
from classification.anomaly_images import TINY as TINY_AUTOENCODER
from classification.anomaly_images import install_tiny_autoencoder
from docs import page_inputs
from generation.tiny import TINY, TINY_SLICES, install_tiny_preset
from microtwin.classification import presets as classifiers
from microtwin.classification.anomaly import recipes
from microtwin.cli import app
from microtwin.generation import presets as generators
from microtwin.generation.generator import Generator
from microtwin.models import registry
from squares import squares

AT_MOST = {
    "n": 6, "count": 12, "samples": 4, "replicas": 8, "keep": 3, "budget": 12,
    "steps": 2, "epochs": 1, "shape": {2: 128, 3: 16}, "raw_shape": 48, "max_lag": 24,
}  # fmt: skip
UNLESS_SAID = {"steps": 2, "epochs": 1, "twins": 1, "samples": 4, "volume": 12, "max_seconds": 0.3}
# Presets of networks, and what is trained in their place.
PRESETS = {"dcgan-2d": TINY, "slice-3d": TINY_SLICES}
SIDES = {"preclassifier": 40, "mobilenetv2-transfer": 64}  # of images, where none is said
# Folders and names that stand for something trained, and what that is.
RUNS = {"runs/electrode": "flat", "runs/a": "flat", "runs/solid": "solid"}
TRAINED = {"gan": "flat", "classifier": "classifier", "a": "classifier", "b": "classifier"}


def cut(value, most):
    """Bring a number, a tuple of them or a text such as 256,256,256 down to a bound.

    The bound may depend on how many numbers there are.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return min(value, most)
    if isinstance(value, tuple):
        bound = most[len(value)] if isinstance(most, dict) else most
        return tuple(cut(one, bound) for one in value)
    if isinstance(value, str) and re.fullmatch(r"\d+(,\d+)*", value):
        return ",".join(map(str, cut(tuple(map(int, value.split(","))), most)))
    return value


def made_small(function, cluster):
    """Return a function, or what a command calls, that cuts what it is called with."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def small(*args, **kwargs):
        given = signature.bind(*args, **kwargs).arguments
        for name, parameter in signature.parameters.items():
            if name in UNLESS_SAID and given.get(name, parameter.default) is None:
                kwargs[name] = UNLESS_SAID[name]
            elif name in AT_MOST and name in kwargs:
                kwargs[name] = cut(given[name], AT_MOST[name])
        if "cluster" in signature.parameters:
            kwargs |= {"workers": None, "cluster": cluster()}
        places = zip(args, signature.parameters, strict=False)
        args = [cut(value, AT_MOST[name]) if name in AT_MOST else value for value, name in places]
        return function(*args, **kwargs)

    return small


def leaves(command):
    """Yield the commands below a group."""
    for one in command.commands.values():
        if hasattr(one, "commands"):
            yield from leaves(one)
        else:
            yield one


def command_line(cluster):
    """Return the program with commands made small."""
    program = typer.main.get_command(app)
    for command in leaves(program):
        command.callback = made_small(command.callback, cluster)
    return program


@contextmanager
def small_world(folder):
    """Everything that the pages call is small while this is open; what it opens is shared."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        _tiny_networks(patch)
        _compiled_once(folder / "compiled", stack)
        cluster = _Cluster(stack)
        for name in mt.__all__:
            function = getattr(mt, name)
            if inspect.isfunction(function):
                patch.setattr(mt, name, made_small(function, cluster))
        for name in ("sample", "stream", "sample_to"):
            patch.setattr(Generator, name, made_small(getattr(Generator, name), cluster))
        patch.setenv("MPLBACKEND", "agg")
        yield World(folder / "runs", command_line(cluster))


def _tiny_networks(patch):
    install_tiny_preset(patch.setitem)
    for name, tiny in PRESETS.items():
        patch.setitem(generators.PRESETS, name, replace(generators.PRESETS[tiny], name=name))
    for name, recipe in classifiers.PRESETS.items():
        patch.setitem(classifiers.PRESETS, name, replace(recipe, epochs=1))
    for name, side in SIDES.items():
        known = registry.ARCHITECTURES[name]
        build = functools.partial(known.build, size=side)
        takes = (side, side, known.takes[2])
        patch.setitem(registry.ARCHITECTURES, name, replace(known, build=build, takes=takes))
    install_tiny_autoencoder(patch.setitem)
    tiny = registry.ARCHITECTURES[TINY_AUTOENCODER]
    patch.setitem(registry.ARCHITECTURES, "autoencoder-v5", replace(tiny, name="autoencoder-v5"))
    patch.setitem(recipes.AUTOENCODERS, "autoencoder-v5", recipes.AUTOENCODERS[TINY_AUTOENCODER])


def _compiled_once(folder, stack):
    """Compile fast, and keep what is compiled: the same networks are trained on many pages."""
    wanted = {
        "jax_disable_most_optimizations": True,
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    for name, value in wanted.items():
        stack.callback(jax.config.update, name, jax.config.values[name])
        jax.config.update(name, value)
    compilation_cache.reset_cache()
    stack.callback(compilation_cache.reset_cache)


class _Cluster:
    """Address of a scheduler whose worker is a thread of this process, begun when it is asked for.

    So workers know the small networks, and are there at once.
    """

    def __init__(self, stack):
        self.stack, self.address = stack, None

    def __call__(self):
        if self.address is None:
            from distributed import LocalCluster

            local = LocalCluster(
                processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0",
                protocol="tcp",
            )  # fmt: skip
            self.address = self.stack.enter_context(local).scheduler_address
        return self.address


class World:
    """What stands behind the names of the pages; what has to be trained is trained once."""

    def __init__(self, folder, program):
        self.folder, self.program = folder, program

    def put(self, name, folder):
        """Write what a name stands for into a folder."""
        path = Path(folder, name.partition(",")[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        if name in RUNS:
            self.trained(RUNS[name])
            shutil.copytree(self.folder / RUNS[name], path)
        else:
            page_inputs.FILES[name](path)

    def values(self, page):
        """Return how to come by what a block of a page may name without having made it."""
        found = {name: functools.partial(self.trained, run) for name, run in TRAINED.items()}
        return page_inputs.VALUES | found | page_inputs.VALUES_ON.get(page, {})

    @functools.cache  # noqa: B019 (there is one)
    def trained(self, run):
        workdir = self.folder / run
        if run == "classifier":
            return mt.train_classifier(*squares(16), size=40, workdir=workdir)
        if run == "solid":
            return mt.train_gan(page_inputs.phases(), preset="slice-3d", workdir=workdir)
        return mt.train_gan(page_inputs.grey(), workdir=workdir)
