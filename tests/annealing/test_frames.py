"""The course of a run as an animation."""

import numpy as np
import pytest
from PIL import Image

import microtwin as mt
from microtwin.annealing.frames import Frames
from microtwin.errors import InputError
from microtwin.images import synthetic


def noise(shape=(40, 60), seed=0):
    return synthetic.bernoulli(shape, fraction=0.4, seed=seed)


@pytest.mark.parametrize("decades", [1, 3, 7, 30])
def test_a_run_of_any_length_has_forty_to_eighty_frames_even_in_log_energy(tmp_path, decades):
    frames = Frames(tmp_path / "run.gif")
    labels = noise((4, 4))
    for step, energy in enumerate(np.geomspace(1, 10.0**-decades, 20_000)):
        if frames.wanted(energy):
            frames.add(labels, energy, step)
    assert 40 <= len(frames) <= 80
    falls = -np.diff(np.log([frame.energy for frame in frames._frames]))
    assert falls.min() > 0.4 * falls.max()


def test_a_rising_energy_is_not_wanted_and_an_empty_one_ends(tmp_path):
    frames = Frames(tmp_path / "run.gif", factor=2)
    assert frames.wanted(1.0)
    frames.add(noise(), 1.0, 0)
    assert not frames.wanted(1.5)
    assert not frames.wanted(0.51)
    assert frames.wanted(0.0)
    frames.add(noise(), 0.0, 1)
    assert not frames.wanted(0.0)


def test_an_animation_loops_over_the_frames_in_the_labels_colours(tmp_path):
    path = tmp_path / "run.gif"
    structures = [noise(seed=seed) for seed in range(5)]
    with Frames(path) as frames:
        for step, labels in enumerate(structures):
            frames.add(labels, 1.0 / (step + 1), step)
    with Image.open(path) as image:
        assert image.n_frames == 5
        assert image.info["loop"] == 0
        assert image.size == (60 * 7, 40 * 7)
        for k, labels in enumerate(structures):
            image.seek(k)
            pixels = np.asarray(image.convert("RGB"))[3::7, 3::7]
            for label in (0, 1):
                assert len(np.unique(pixels[labels == label], axis=0)) == 1
            assert (pixels[labels == 0][0] != pixels[labels == 1][0]).any()
    assert [p.name for p in tmp_path.iterdir()] == ["run.gif"]


def test_a_volume_shows_its_middle_and_a_folder_holds_numbered_images(tmp_path):
    volume = np.zeros((5, 300, 280), np.uint8)
    volume[2, :150] = 1
    folder = tmp_path / "frames"
    folder.mkdir()
    for old in ("frame_0007.png", "mine.png"):
        (folder / old).touch()
    with Frames(folder) as frames:
        for k in range(3):
            frames.add(volume, 0.5**k, k)
    assert sorted(p.name for p in folder.iterdir()) == [
        "frame_0000.png", "frame_0001.png", "frame_0002.png", "frames.csv", "mine.png",
    ]  # fmt: skip
    assert np.array_equal(np.asarray(Image.open(folder / "frame_0001.png")), volume[2])
    assert (folder / "frames.csv").read_text().splitlines()[3] == "frame_0002.png,2,0.25"


def test_what_was_collected_is_written_after_an_interruption(tmp_path):
    def interrupted():
        with Frames(tmp_path / "run.gif") as frames:
            frames.add(noise(), 1.0, 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert Image.open(tmp_path / "run.gif").size == (420, 280)


def test_a_run_without_a_frame_writes_nothing(tmp_path):
    with Frames(tmp_path / "run.gif"):
        pass
    assert not any(tmp_path.iterdir())


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"must end in .gif or be a folder, not 'run.mp4'"):
        Frames(tmp_path / "run.mp4")
    with pytest.raises(InputError, match="factor must be more than 1, not 1"):
        Frames(tmp_path / "run.gif", factor=1)
    frames = Frames(tmp_path / "run.gif")
    frames.add(noise(), 1.0, 0)
    with pytest.raises(InputError, match=r"shape of the first frame, \(40, 60\), not \(4, 4\)"):
        frames.add(noise((4, 4)), 1.0, 0)


def test_a_run_in_pieces_can_be_watched(tmp_path):
    real = synthetic.overlapping_spheres((48, 48), radius=5, porosity=0.6, seed=0)
    target = mt.describe(real, phase=1, periodic=True)
    labels = "noise"
    with Frames(tmp_path / "run.gif") as frames:
        for step in range(6):
            twin = mt.anneal(target, shape=(48, 48), start=labels, max_proposals=20_000)
            labels = twin.labels
            if frames.wanted(twin.energy):
                frames.add(labels, twin.energy, 20_000 * (step + 1))
    assert len(frames) > 2


def test_the_end_of_a_run_is_shown_once(tmp_path):
    real = synthetic.overlapping_spheres((48, 48), radius=5, porosity=0.6, seed=0)
    mt.anneal(real, shape=(48, 48), max_proposals=20_000, frames=tmp_path / "frames")
    rows = (tmp_path / "frames" / "frames.csv").read_text().splitlines()[1:]
    proposals = [row.split(",")[1] for row in rows]
    assert len(set(proposals)) == len(proposals)
