"""How fast pages answer: thousands of images to label, and a large volume to turn."""

import time

import numpy as np
import pytest

from microtwin.images import Catalogue, save_image
from microtwin.images.synthetic import gaussian_field
from studio import live
from studio.test_browser import Reader, pixels

pytest.importorskip("nicegui")
pytestmark = pytest.mark.slow

IMAGES = 4000
LABELS = 12
SIDE = 256
# From the key to the next picture, decoded: what a person waits for.
WATCH = """() => {
    const picture = document.getElementById('picture');
    window.waits = [];
    let pressed = 0;
    document.addEventListener('keydown', () => { pressed = performance.now(); }, true);
    new MutationObserver(async () => {
        const from = pressed;
        await picture.decode();
        window.waits.push(performance.now() - from);
    }).observe(picture, {attributes: true, attributeFilter: ['src']});
}"""


def test_thousands_of_images_are_scrolled_and_labelled_without_lag(browser, tmp_path):
    folder = tmp_path / "many" / "images"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(IMAGES):
        save_image(folder / f"{i:04d}.png", rng.integers(0, 255, (32, 32), dtype=np.uint8))
    with live.studio(tmp_path / "many") as one:
        reader = Reader(browser, one)
        reader.go("/select")
        reader.page.get_by_text(f"1 of {IMAGES}", exact=True).wait_for()
        reader.page.wait_for_timeout(1500)
        reader.page.evaluate(WATCH)
        for i in range(LABELS):
            reader.page.keyboard.press("yn"[i % 2])
            live.wait_for(
                lambda i=i: reader.page.evaluate("window.waits.length") > i, 10, every=0.02
            )
            reader.page.wait_for_timeout(150)
        waits = reader.page.evaluate("window.waits")
        print("milliseconds from key to picture:", [round(wait) for wait in waits])
        assert np.median(waits) < 100, waits
        reader.page.get_by_text(f"{LABELS} answers saved").wait_for()
        grid = reader.page.locator("#thumbs")
        frames = grid.evaluate(
            """async grid => {
                const waits = [];
                for (let i = 1; i <= 20; i++) {
                    const begin = performance.now();
                    grid.scrollTop = i * 900;
                    await new Promise(requestAnimationFrame);
                    waits.push(performance.now() - begin);
                }
                return waits;
            }"""
        )
        print("milliseconds a frame:", [round(wait) for wait in frames])
        assert np.median(frames) < 100, frames
        rows = Catalogue.from_csv(folder / "catalogue.csv")
        assert sum(entry.by_person for entry in rows) == LABELS
        reader.context.close()


def test_a_large_volume_opens_within_five_seconds(browser, tmp_path):
    folder = tmp_path / "large" / "twins"
    folder.mkdir(parents=True)
    labels = gaussian_field((SIDE,) * 3, correlation_length=8, fraction=0.4, seed=0)
    save_image(folder / "volume.tif", labels)
    with live.studio(tmp_path / "large") as one:
        reader = Reader(browser, one)
        reader.go("/jobs")
        reader.page.wait_for_timeout(3000)  # it has just been started
        begin = time.perf_counter()
        with reader.page.expect_response(lambda r: "/mesh?" in r.url and r.ok) as surface:
            reader.page.goto(one.url + "/generate?show=twins/volume.tif")
        surface.value.finished()
        scene = reader.page.locator(".scene")

        def share():
            shot = pixels(scene.screenshot())
            return (np.abs(shot - (242, 244, 246)).sum(axis=-1) > 60).mean()

        live.wait_for(lambda: share() > 0.05, 20)
        took = time.perf_counter() - begin
        print("seconds until the volume is seen:", round(took, 2))
        told = reader.page.locator("[data-faces]")
        told.wait_for()
        assert "256 × 256 × 256 voxels, shown in blocks of" in told.inner_text()
        assert 10_000 < int(told.get_attribute("data-faces")) <= 240_000
        assert took < 5, took
        reader.context.close()
