"""Three phases, porosities that are asked for, volumes from slices, and what the run leaves."""

import csv
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import microtwin.generation as gen
from generation.tiny import TINY, TINY_3D, TINY_SLICES, grey_images
from microtwin.errors import InputError
from microtwin.generation import presets
from microtwin.generation.run_folder import RunFolder
from microtwin.images import synthetic
from microtwin.models import registry, texture


def labels_of_three_phases(shape=(64, 64)):
    first = synthetic.gaussian_field(shape, correlation_length=3, fraction=0.5, seed=1)
    other = synthetic.gaussian_field(shape, correlation_length=3, fraction=0.6, seed=2)
    return np.where(first == 1, 0, 1 + other).astype(np.uint8)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        from generation.tiny import install_tiny_preset

        install_tiny_preset(patch.setitem)
        folder = tmp_path_factory.mktemp("three")
        yield gen.train_gan(labels_of_three_phases(), preset=TINY, workdir=folder, steps=2)


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        from generation.tiny import install_tiny_preset

        install_tiny_preset(patch.setitem)
        folder = tmp_path_factory.mktemp("asked")
        yield gen.train_gan(
            grey_images(), preset=TINY, workdir=folder, steps=2, condition="porosity"
        )


def test_labels_of_three_phases_keep_their_fractions(three):
    samples = three.sample(16)
    wanted = three.settings.fractions
    assert wanted == pytest.approx(np.bincount(labels_of_three_phases().ravel()) / 64**2)
    found = np.bincount(samples.labels.ravel(), minlength=3) / samples.labels.size
    assert set(np.unique(samples.labels)) <= {0, 1, 2}
    np.testing.assert_allclose(found, wanted, atol=5e-3)
    assert samples.images.shape == (16, 16, 16, 3)  # a probability for each phase
    np.testing.assert_allclose(samples.images.sum(-1), 1, atol=1e-5)
    assert len(samples.thresholds) == 3
    with pytest.raises(InputError, match="3 phases"):
        three.sample(1, threshold=0.5)


def test_phases_without_weights_are_the_most_probable_ones(three):
    samples = three.sample(4, threshold="training")
    np.testing.assert_array_equal(samples.labels, samples.images.argmax(-1))


def test_three_phases_on_disk_are_those_in_memory(three, tmp_path):
    three.sample_to(tmp_path / "s.npy", 4, threshold="training")
    written = np.load(tmp_path / "s.npy")
    assert (written == three.sample(4, threshold="training").labels).mean() > 0.999


def test_a_network_that_is_asked_for_a_porosity_hears_it(asked):
    few, many = (asked.sample(3, porosity=p).images for p in (0.1, 0.9))
    assert (few != many).any()
    each = asked.sample(2, porosity=(0.1, 0.9)).images
    np.testing.assert_array_equal(each[0], few[0])
    np.testing.assert_array_equal(each[1], many[1])
    assert asked.sample(1).thresholds == asked.settings.thresholds  # not made to fit the training


def test_validation_tells_how_far_samples_miss_what_was_asked_for(asked, trained):
    run = RunFolder(asked.path)
    (row,) = run.validation.rows()
    assert row["missed"] > 0
    mean = (row["two_point"] + row["lineal_path"] + row["missed"]) / 3
    assert row["distance"] == pytest.approx(mean)
    assert asked.metrics["missed"] == pytest.approx(row["missed"])
    assert "missed" not in trained.metrics
    assert run.log.last("missed") >= 0


@pytest.mark.slow
def test_samples_show_the_porosity_that_was_asked_for(tmp_path, monkeypatch):
    """Cut where the training images are, not so as to meet any porosity."""
    networks = {
        "small-g": partial(texture.Generator, local=24, common=8, channels=(48, 32, 24, 16)),
        "small-c": partial(texture.Critic, channels=(24, 48)),
    }
    for name, build in networks.items():
        monkeypatch.setitem(registry.ARCHITECTURES, name, registry.Architecture(name, build))
    small = replace(
        presets.PRESETS["dcgan-2d"],
        name="small", size=32, generator="small-g", critic="small-c", average=0.99,
    )  # fmt: skip
    monkeypatch.setitem(presets.PRESETS, "small", small)
    images = [
        synthetic.gaussian_field(
            (96, 96), correlation_length=3, fraction=1 - porosity, seed=seed
        ).astype(np.uint8)
        for seed, porosity in enumerate(np.linspace(0.2, 0.6, 24))
    ]
    made = gen.train_gan(images, preset="small", workdir=tmp_path, steps=600, condition="porosity")
    wanted = np.array([0.25, 0.4, 0.55])
    shown = [float((made.sample(64, porosity=p).labels == 0).mean()) for p in wanted]
    assert np.abs(shown - wanted).max() < 0.06, shown


@pytest.mark.parametrize(
    ("porosity", "message"),
    [
        ((0.1, 0.2), "one number or 3"),
        (1.5, "porosity must be between 0 and 1"),
        (-0.1, "porosity must be between 0 and 1"),
        (float("nan"), "porosity must be finite"),
        ("much", "porosity must be one number or 3"),
    ],
)
def test_porosities_that_cannot_be_are_refused(asked, porosity, message):
    with pytest.raises(InputError, match=message):
        asked.sample(3, porosity=porosity)


def test_a_network_that_was_not_taught_to_be_asked_refuses(trained, tmp_path):
    with pytest.raises(InputError, match="condition='porosity'"):
        trained.sample(1, porosity=0.3)
    with pytest.raises(InputError, match="condition must be None for the preset tiny-slices"):
        gen.train_gan(grey_images(), preset=TINY_SLICES, workdir=tmp_path, condition="porosity")
    with pytest.raises(InputError, match="condition must be one of porosity"):
        gen.train_gan(grey_images(), preset=TINY, workdir=tmp_path, condition="colour")


def test_volumes_are_learned_from_slices_alone(tmp_path):
    made = gen.train_gan(grey_images(), preset=TINY_SLICES, workdir=tmp_path, steps=2)
    volumes = made.sample(2, shape=(16, 18, 20))
    assert volumes.labels.shape == (2, 16, 18, 20)
    assert made.settings.directions == 1
    assert volumes.porosity == pytest.approx(made.porosity, abs=1e-3)
    with pytest.raises(InputError, match=r"3 sides \(z, y, x\)"):
        made.sample(1, shape=(16, 16))


@pytest.mark.parametrize("axes", ["zyx", "zx"])
def test_each_direction_has_images_of_its_own(tmp_path, axes):
    one = grey_images()[0]
    striped = {"z": one, "y": np.sort(one, axis=0), "x": np.sort(one, axis=1)}
    given = {axis: striped[axis] for axis in axes}
    made = gen.train_gan(given, preset=TINY_SLICES, workdir=tmp_path, steps=1)
    assert made.settings.directions == 3
    assert not made.settings.rotations
    assert made.sample(1).labels.shape == (1, 16, 16, 16)
    with pytest.raises(InputError, match="not be given by axes"):
        gen.train_gan(given, preset=TINY, workdir=tmp_path / "flat")


def test_axes_that_do_not_exist_are_refused(tmp_path):
    with pytest.raises(InputError, match="not by t"):
        gen.train_gan({"t": grey_images()[0]}, preset=TINY_SLICES, workdir=tmp_path)


def test_volumes_are_learned_from_volumes(tmp_path):
    volume = synthetic.gaussian_field((20, 24, 48), correlation_length=3, fraction=0.4, seed=0)
    made = gen.train_gan(volume, preset=TINY_3D, workdir=tmp_path, steps=1)
    assert made.sample(1).labels.shape == (1, 16, 16, 16)
    assert made.settings.validation == "the last part of each image"
    with pytest.raises(InputError, match=r"volumes \(z, y, x\)"):
        gen.train_gan(volume[0], preset=TINY_3D, workdir=tmp_path / "flat")


def test_the_weights_of_the_nearest_validation_are_kept(trained, tmp_path):
    run = RunFolder(trained.path)
    rows = run.validation.rows()
    best = min(rows, key=lambda row: row["distance"])
    assert trained.steps == best["step"]
    assert trained.metrics["distance"] == pytest.approx(best["distance"])
    last = gen.load_generator(trained.path, weights="last")
    assert (last.steps, last.metrics) == (6, {})


def test_a_worse_validation_does_not_replace_the_weights(monkeypatch, tmp_path):
    from dataclasses import replace

    from microtwin.generation import presets, validation

    told = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr(
        validation.Validation, "judge", lambda self, weights: {"distance": next(told)}
    )
    often = replace(presets.PRESETS[TINY], validate_every=1)
    monkeypatch.setitem(presets.PRESETS, TINY, often)
    made = gen.train_gan(grey_images(), preset=TINY, workdir=tmp_path, steps=3)
    assert made.steps == 2
    assert [row["distance"] for row in RunFolder(tmp_path).validation.rows()] == [3, 1, 2]


def test_the_card_tells_data_settings_and_metrics(trained):
    card = (trained.path / "MODEL_CARD.md").read_text()
    for part in (
        "2 images of grey levels", trained.settings.digest, "seed 5", "generator in float32",
        f"{trained.porosity:.4f}", "the last part of each image",
        f"| two point | {trained.metrics['two_point']:.4g} |",
    ):  # fmt: skip
        assert part in card


@pytest.mark.parametrize("weights", ["best", "last"])
def test_a_saved_generator_needs_nothing_of_its_run(trained, tmp_path, weights):
    copy = tmp_path / "copy"
    shutil.copytree(trained.path, copy)
    opened = gen.load_generator(copy, weights=weights)
    saved = opened.save(tmp_path / "saved")
    expected = opened.sample(2).images
    shutil.rmtree(copy)
    again = gen.load_generator(saved)
    np.testing.assert_array_equal(again.sample(2).images, expected)
    assert (again.steps, again.metrics) == (opened.steps, opened.metrics)
    assert (saved / "MODEL_CARD.md").exists()
    with pytest.raises(InputError, match="path must be new"):
        again.save(saved)


def test_numbers_for_tensorboard_are_those_of_the_log(trained):
    pytest.importorskip("tensorboardX")
    from learning.events import scalars

    with (trained.path / "log.csv").open() as file:
        rows = {int(row["step"]): float(row["d_loss"]) for row in csv.DictReader(file)}
    assert scalars(trained.path / "tensorboard", "d_loss") == pytest.approx(rows, rel=1e-6)
