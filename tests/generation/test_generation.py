"""Training on images, going on, and sampling: the border of the room."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import microtwin as mt
import microtwin.generation as gen
from generation.tiny import (
    TINY,
    TINY_3D,
    TINY_SLICES,
    assert_equal_to_the_last_bit,
    final_state,
    grey_images,
    install_tiny_preset,
)
from microtwin.errors import CheckpointError, InputError
from microtwin.generation import adversaries
from microtwin.generation.run_folder import RunFolder


def test_resumed_training_equals_uninterrupted_training_to_the_last_bit(trained, tmp_path):
    gen.train_gan(grey_images(), preset=TINY, workdir=tmp_path, steps=3, seed=5)
    gen.train_gan(grey_images(), preset=TINY, workdir=tmp_path, steps=6, seed=5, resume=True)
    assert_equal_to_the_last_bit(final_state(tmp_path), final_state(trained.path))


def test_training_changes_both_networks_and_keeps_a_finite_log(trained):
    before = adversaries.build(trained.settings.recipe, trained.settings.encoding, seed=5).initial()
    after = final_state(trained.path)
    for old, new in ((before.generator, after.generator), (before.critic, after.critic)):
        moved = [
            bool((a != b).any())
            for a, b in zip(jax.tree.leaves(old), jax.tree.leaves(new), strict=True)
        ]
        assert all(moved)
    rows = (trained.path / "log.csv").read_text().splitlines()
    assert rows[0] == "step,d_loss,g_loss,seconds"
    assert len(rows) == 7
    assert trained.seconds > 0
    assert (trained.path / "progress" / "step-000006.png").exists()


def test_generator_opens_without_the_images_and_gives_the_same_samples(trained):
    opened = gen.load_generator(trained.path)
    np.testing.assert_array_equal(opened.sample(3).images, trained.sample(3).images)
    assert (opened.preset, opened.steps, opened.porosity) == (TINY, 6, trained.porosity)


def test_samples_have_the_porosity_of_the_training_images(trained):
    samples = trained.sample(20, seed=1)
    assert samples.images.shape == samples.labels.shape == (20, 16, 16)
    assert samples.images.dtype == np.float32
    assert samples.labels.dtype == np.uint8
    assert samples.porosity == pytest.approx(trained.porosity, abs=1 / samples.labels.size)


def test_thresholds_are_common_to_the_batch(trained):
    by_training = trained.sample(4, threshold="training")
    (level,) = trained.settings.thresholds
    np.testing.assert_array_equal(by_training.labels, by_training.images > np.float32(level))
    by_number = trained.sample(4, threshold=0.4)
    np.testing.assert_array_equal(by_number.labels, by_number.images > np.float32(0.4))


def test_first_samples_do_not_depend_on_how_many_follow(trained):
    np.testing.assert_array_equal(trained.sample(2).images, trained.sample(70).images[:2])


def test_seed_decides_the_samples(trained):
    assert (trained.sample(2, seed=3).images == trained.sample(2, seed=3).images).all()
    assert (trained.sample(2, seed=3).images != trained.sample(2, seed=4).images).any()


@pytest.mark.parametrize("shape", [(16, 16), (50, 23), (7, 90)])
def test_samples_come_in_any_size(trained, shape):
    assert trained.sample(2, shape=shape).images.shape == (2, *shape)


def test_samples_are_a_sequence_of_images_with_labels(trained):
    samples = trained.sample(5)
    assert len(samples) == len(list(samples)) == 5
    np.testing.assert_array_equal(samples[-1].labels, samples.labels[4])
    np.testing.assert_array_equal(samples[1:3].images, samples.images[1:3])
    with pytest.raises(IndexError):
        samples[5]


def test_images_may_be_a_folder_a_stack_or_a_list_of_files(tmp_path, trained):
    from microtwin.images import save_image

    images = grey_images()
    for i, image in enumerate(images):
        save_image(tmp_path / f"{i}.png", image)
    from microtwin.generation.training_set import TrainingSet

    given = (
        images,
        np.stack(images),
        tmp_path,
        [tmp_path / "0.png", tmp_path / "1.png"],
        (image for image in images),
    )
    assert {TrainingSet.of(each, size=16).digest for each in given} == {trained.settings.digest}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "dcgan-65"}, "preset must be one of dcgan-2d, slice-3d"),
        ({"steps": -1}, "steps must be at least 1"),
        ({"seed": -1}, "seed"),
        ({"images": []}, "images must not be empty"),
        ({"images": np.zeros((15, 90), np.uint8)}, "at least two phases"),
        ({"images": grey_images(1, side=48)[0][:15]}, "images must be at least 16x16"),
        ({"images": np.full((40, 40), np.nan)}, "NaN"),
        ({"images": [grey_images()[0], np.full((40, 40), 7, np.uint8)]}, "constant"),
        ({"images": np.zeros((4, 4, 4, 3))}, "images"),
        ({"images": "no/such/folder"}, "does not exist"),
        ({"workdir": "/proc/none"}, "workdir must be a writable folder"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(tmp_path, arguments, message):
    given = {"images": grey_images(), "preset": TINY, "workdir": tmp_path, **arguments}
    with pytest.raises(InputError, match=message) as refusal:
        gen.train_gan(given.pop("images"), **given)
    assert "\n" not in str(refusal.value)


def test_a_folder_with_a_run_is_not_overwritten(trained):
    with pytest.raises(InputError, match="resume=True"):
        gen.train_gan(grey_images(), preset=TINY, workdir=trained.path, seed=5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"preset": "thesis-64"}, "of preset tiny-16, not thesis-64"),
        ({"seed": 6}, "of seed 5, not 6"),
        ({"images": grey_images(side=64)}, "of images"),
    ],
)
def test_resuming_another_run_is_refused(trained, change, message):
    arguments = {"images": grey_images(side=64), "preset": TINY, "seed": 5, **change}
    if "images" not in change and change.get("preset") is None:
        arguments["images"] = grey_images()
    with pytest.raises(CheckpointError, match=message):
        gen.train_gan(arguments.pop("images"), workdir=trained.path, resume=True, **arguments)


def test_a_folder_without_a_run_cannot_be_opened(tmp_path):
    with pytest.raises(InputError, match="not the folder of a trained generator"):
        gen.load_generator(tmp_path)


def test_damaged_settings_are_refused(tmp_path):
    (tmp_path / "settings.json").write_text('{"kind": "generator", "preset": "dcgan-2d"}')
    with pytest.raises(CheckpointError, match="damaged"):
        gen.load_generator(tmp_path)


@pytest.mark.slow
def test_training_killed_without_warning_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    """Kill -9 at any moment; then two runs to the same step are equal to the last bit."""
    install_tiny_preset(monkeypatch.setitem, validate_every=3)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    script = Path(__file__).with_name("killed_run.py")
    process = subprocess.Popen([sys.executable, str(script), str(tmp_path / "a")], env=environment)
    log = tmp_path / "a" / "log.csv"
    deadline = time.monotonic() + 400
    while not log.exists() or len(log.read_text().splitlines()) < 10:
        assert process.poll() is None, "the run ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    reached = len(log.read_text().splitlines())
    for name in ("a", "b"):
        gen.train_gan(
            grey_images(),
            preset=TINY,
            workdir=tmp_path / name,
            seed=5,
            steps=reached + 5,
            resume=True,
        )
    assert_equal_to_the_last_bit(final_state(tmp_path / "a"), final_state(tmp_path / "b"))
    steps = [row.split(",")[0] for row in log.read_text().splitlines()[1:]]
    assert steps == [str(i + 1) for i in range(reached + 5)]
    a, b = (RunFolder(tmp_path / name) for name in ("a", "b"))
    assert a.validation.rows() == b.validation.rows()
    assert len(a.validation.rows()) > 2
    with np.load(a.weights_file) as ours, np.load(b.weights_file) as theirs:
        assert set(ours) == set(theirs)
        assert all((ours[name] == theirs[name]).all() for name in ours)


def test_rates_fall_with_the_steps_of_the_preset_and_stay_where_they_have_come(trained):
    """What a run is asked for has no say: resumed with more steps it is the same run."""
    falling = replace(trained.settings.recipe, final_rate=0.1, steps=4)
    pair = adversaries.build(falling, trained.settings.encoding, seed=0)
    for optimiser in (pair.generator_optimiser, pair.critic_optimiser):
        memory, moved = optimiser.init(jnp.zeros(())), []
        for _ in range(7):  # constant gradients: each step of Adam is one rate long
            update, memory = optimiser.update(jnp.ones(()), memory)
            moved.append(-float(update) / falling.generator_rate)
        cosine = 0.1 + 0.9 * (1 + np.cos(np.pi * np.arange(5) / 4)) / 2
        np.testing.assert_allclose(moved, [*cosine, 0.1, 0.1], rtol=1e-4)


WAYS = ("brightness", "translation", "cutout")


def test_augmented_training_says_so(tmp_path):
    gan = gen.train_gan(
        grey_images(), preset=TINY, workdir=tmp_path, steps=1, augment=reversed(WAYS)
    )
    assert gan.settings.augment == WAYS
    assert "augmentation: " + ", ".join(WAYS) in (tmp_path / "MODEL_CARD.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("preset", [TINY, TINY_SLICES, TINY_3D])
def test_augmented_training_goes_on_to_the_same_weights(tmp_path, preset):
    images = grey_images()
    if preset == TINY_3D:
        images = [np.broadcast_to(image, (24, *image.shape)) for image in images]
    for folder, stops in (("whole", [2]), ("parts", [1, 2])):
        for steps in stops:
            gen.train_gan(
                images,
                preset=preset,
                workdir=tmp_path / folder,
                steps=steps,
                augment=WAYS,
                resume=True,
            )
    states = [final_state(tmp_path / folder) for folder in ("whole", "parts")]
    assert_equal_to_the_last_bit(*states)


def test_a_run_goes_on_only_with_its_own_augmentation(trained):
    with pytest.raises(CheckpointError, match="of augment None, not cutout"):
        gen.train_gan(
            grey_images(), preset=TINY, workdir=trained.path, seed=5, resume=True, augment="cutout"
        )


def test_runs_from_before_there_was_augmentation_open_and_go_on(trained, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained.path, folder)
    settings = json.loads((folder / "settings.json").read_text())
    assert settings.pop("augment") is None
    (folder / "settings.json").write_text(json.dumps(settings))
    assert gen.load_generator(folder).settings == trained.settings
    RunFolder(folder).check_continues(trained.settings)
    assert int(final_state(folder).step) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"augment": "holes"}, "augment must be one of brightness, translation, cutout; not 'hol"),
        ({"augment": 3}, "augment must be one of .* not 3"),
        ({"augment": "cutout", "preset": "thesis-64"}, "augment must be empty for the preset"),
        ({"augment": WAYS, "images": np.eye(48, dtype=np.uint8)}, "augment must not hold bright"),
    ],
)
def test_augmentation_that_cannot_be_is_refused(tmp_path, arguments, message):
    given = {"images": grey_images(), "preset": TINY, "workdir": tmp_path, **arguments}
    with pytest.raises(InputError, match=message):
        gen.train_gan(given.pop("images"), **given)


def test_a_stream_is_the_samples_one_after_the_other(trained):
    stream = trained.stream(seed=3, shape=(32, 32), batch=2)
    found = list(itertools.islice(stream, 5))
    level = trained.sample(2, seed=3, shape=(32, 32)).thresholds[0]
    whole = trained.sample(5, seed=3, shape=(32, 32), threshold=level)
    for i, sample in enumerate(found):
        np.testing.assert_allclose(sample.image, whole.images[i], atol=1e-6)
        np.testing.assert_array_equal(sample.labels, sample.image > np.float32(level))
        assert sample.labels.source == f"sample {i} of seed 3"
    with pytest.raises(InputError, match="shape"):
        trained.stream(shape=(32,))


def test_what_a_network_streams_can_be_screened(trained):
    real = [(image > 120).astype(np.uint8) for image in grey_images(3)]
    best = mt.screen(trained.stream(seed=1), reference=real, keep=2, budget=6)
    assert len(best) == 2
    assert len(best.scores) == 6
    assert best[0].image.dtype == np.float32
