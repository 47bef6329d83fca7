"""Studios for the tests: in this process, in one of their own, and in a browser."""

import pytest

from microtwin.images import ScaledImage, sample_labels, sample_micrographs, save_image
from studio import live

SIDE = 96


@pytest.fixture(scope="session")
def micrographs(tmp_path_factory):
    """A folder of ten grey images, as a person would drop them."""
    folder = tmp_path_factory.mktemp("micrographs")
    for i, image in enumerate(sample_micrographs(10, shape=(SIDE, SIDE))):
        save_image(folder / f"layer {i}.tif", ScaledImage(image, spacing=4e-9))
    return folder


@pytest.fixture
def project(tmp_path):
    """A project with some images, phases and a volume."""
    from microtwin.studio import Project

    made = Project(tmp_path / "project")
    greys, labels = sample_micrographs(3, shape=(64, 64)), sample_labels(3, shape=(64, 64))
    for i, (grey, label) in enumerate(zip(greys, labels, strict=True)):
        save_image(made.root / "images" / f"{i}.tif", grey)
        save_image(made.root / "phases" / f"{i}.tif", label)
    return made


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A studio of this module's own."""
    pytest.importorskip("nicegui")
    with live.studio(tmp_path_factory.mktemp("studio") / "catalyst", max_upload=2) as one:
        yield one


@pytest.fixture(scope="session")
def browser():
    """A browser that reaches nothing but this machine."""
    api = pytest.importorskip("playwright.sync_api")
    path = live.chromium()
    if path is None:
        pytest.skip("no Chromium here; set MICROTWIN_CHROMIUM to its path")
    with api.sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=path, args=live.FLAGS)
        yield one
        one.close()
