"""One person's way through the studio, in a browser without a network: from a drop to a report.

The tests follow one another on one project, in the order of the work. With MICROTWIN_SCREENSHOTS
set to a folder the last one keeps a picture of every page there, for the documentation.
"""

import base64
import io
import os
import re
from pathlib import Path

import numpy as np
import pytest

from microtwin.images import Catalogue
from microtwin.studio.layout import STAGES
from microtwin.studio.project import Project
from studio import live
from studio.live import wait_for

pytest.importorskip("nicegui")

WIDTHS = {1280: 900, 390: 844}
PATIENCE = 90_000  # milliseconds for a job on a busy machine


class Reader:
    """A page, what it asked for, and what went wrong in it."""

    def __init__(self, browser, running, *, width=1280, language="en-US"):
        size = {"width": width, "height": WIDTHS.get(width, 900)}
        self.context = browser.new_context(viewport=size, locale=language, accept_downloads=True)
        self.page, self.running = self.context.new_page(), running
        self.page.set_default_timeout(15_000)
        self.asked, self.wrong = [], []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on(
            "response",
            lambda answer: (
                answer.status >= 400 and self.wrong.append(f"{answer.status} {answer.url}")
            ),
        )
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda said: said.type == "error" and self.wrong.append(said.text))

    def go(self, path):
        self.page.goto(self.running.url + path)
        # Connected: events reach the server from now on.
        self.page.wait_for_function("window.socket && window.socket.connected")

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def fill(self, label, value):
        self.page.get_by_label(label, exact=True).first.fill(str(value))

    def choose(self, label, option):
        self.page.get_by_label(label, exact=True).first.click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def job(self, state="done"):
        """Wait until the newest job of this page is in a state."""
        newest = self.page.locator(".job").first
        newest.locator(f".state.{state}").wait_for(timeout=PATIENCE)
        return newest


@pytest.fixture(scope="module")
def reader(browser, running):
    one = Reader(browser, running)
    yield one
    one.context.close()


@pytest.fixture(scope="module")
def project(running):
    return Project(running.project)


def pixels(shot):
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), dtype=np.int16)


def drop(page, path):
    """Drop a file on the page as a person does with the mouse."""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    script = """([name, data]) => {
        const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
        const carried = new DataTransfer();
        carried.items.add(new File([bytes], name, {type: 'image/tiff'}));
        return carried;
    }"""
    carried = page.evaluate_handle(script, [path.name, data])
    page.dispatch_event(".q-uploader", "dragover", {"dataTransfer": carried})
    page.wait_for_selector(".q-uploader__dnd")
    page.dispatch_event(".q-uploader__dnd", "drop", {"dataTransfer": carried})


def test_micrographs_are_dropped_and_seen(reader, project, micrographs):
    files = sorted(micrographs.iterdir())
    reader.go("/")
    drop(reader.page, files[0])
    reader.page.get_by_text("Catalogue: 1 images").wait_for()
    reader.page.set_input_files("input[type=file]", files[1:])
    reader.page.get_by_text("Catalogue: 10 images").wait_for()
    assert [path.name for path in project.images()] == [f"layer_{i}.tif" for i in range(10)]
    first = reader.page.locator(".thumbs img").first
    wait_for(lambda: first.evaluate("i => i.complete && i.naturalWidth > 50"), 20)
    reader.page.locator(".thumbs button").first.press("Enter")
    reader.page.get_by_text("4 nm", exact=True).wait_for()
    large = reader.page.locator(".q-dialog img.look")
    wait_for(lambda: large.evaluate("i => i.naturalWidth > 500"), 20)
    reader.press("Close")


def test_a_file_that_is_no_image_is_refused_where_it_was_dropped(reader, project, tmp_path):
    (tmp_path / "bomb.png").write_bytes(b"PK\3\4 not a picture")
    reader.go("/")
    reader.page.set_input_files("input[type=file]", tmp_path / "bomb.png")
    reader.page.get_by_role("alert").get_by_text("bomb.png cannot be read as an image").wait_for()
    assert len(project.images()) == 10


def test_images_are_labelled_by_keys_and_taken_back(reader, project):
    reader.go("/select")
    reader.page.get_by_text("1 of 10").wait_for()
    for key, place in (("y", 2), ("n", 3), ("Y", 4), ("s", 5), ("n", 6), ("u", 5), ("y", 6)):
        reader.page.keyboard.press(key)
        reader.page.get_by_text(f"{place} of 10", exact=True).wait_for()
    reader.page.get_by_text("4 answers saved").wait_for()
    rows = Catalogue.from_csv(project.table)
    assert [rows[i].label for i in range(6)] == ["YES", "NO", "YES", "", "YES", ""]
    assert {entry.by for entry in rows if entry.label} == {"me"}
    assert reader.page.locator('#thumbs [data-id="1"]').get_attribute("data-mark") == "N ✗"
    # Typing a name must not label.
    reader.page.get_by_label("Epochs at most").press("y")
    assert reader.page.get_by_text("6 of 10", exact=True).is_visible()
    # Keys count after a picture was chosen with the mouse, too.
    reader.page.locator('#thumbs [data-id="6"]').click()
    reader.page.get_by_text("7 of 10", exact=True).wait_for()
    reader.page.keyboard.press("s")
    reader.page.get_by_text("8 of 10", exact=True).wait_for()


def test_phases_are_seen_before_and_after_and_made_of_the_good_ones(reader, project):
    reader.go("/phases")
    reader.page.get_by_text(re.compile(r"phase 1: \d+\.\d %")).wait_for()
    shot = pixels(reader.page.locator("figure img").nth(1).screenshot())
    assert len(np.unique(shot.reshape(-1, 3), axis=0)) >= 2
    reader.press("Segment all")
    reader.job()
    assert len(project.pictures("phases")) == 3


def test_curves_are_measured_drawn_and_read(reader, project):
    reader.go("/measure")
    reader.press("Measure")
    reader.job()
    chart = reader.page.locator(".chart").first
    chart.locator("canvas").wait_for()
    reader.page.wait_for_timeout(500)
    assert pixels(chart.screenshot()).std() > 5
    box = chart.bounding_box()
    # The first point of the upper curve lies where the axes meet.
    for down in np.linspace(0.1, 0.9, 80):
        reader.page.mouse.click(box["x"] + 65, box["y"] + down * box["height"])
        if reader.page.get_by_text(re.compile(r"phase \d: 0\.\d+ at 0 voxels")).count():
            break
    reader.page.get_by_text(re.compile(r"phase \d: 0\.\d+ at 0 voxels")).wait_for(timeout=3000)
    with reader.page.expect_download() as download:
        reader.press("Download CSV")
    assert "two_point" in Path(download.value.path()).read_text()


def test_a_twin_is_annealed_with_its_energy_and_picture(reader, project):
    reader.go("/anneal")
    reader.fill("Size in voxels", "32,32,32")
    reader.fill("Largest lag in voxels", 8)
    reader.fill("Seconds at most", 3)
    reader.press("Anneal")
    card = reader.job()
    card.locator("figure img").wait_for()
    assert (project.root / "twins" / "twin.tif").exists()
    assert pixels(card.locator("figure img").screenshot()).std() > 20
    card.get_by_text("See the twin").wait_for()


@pytest.mark.slow
def test_a_training_run_is_watched_stopped_and_resumed(reader, project):
    reader.go("/train")
    reader.choose("Recipe", "tiny-16")
    reader.fill("Steps", 4000)
    reader.press("Train")
    running = reader.job("running")
    running.locator("figure canvas").first.wait_for(timeout=PATIENCE)
    reader.press("Stop")
    card = reader.job("stopped")
    log = project.root / "runs" / "generator" / "log.csv"
    before = len(log.read_text().splitlines())
    assert 1 < before < 4000
    assert pixels(card.locator(".chart").first.screenshot()).std() > 5
    card.get_by_role("button", name="Go on").click()
    reader.job("running")
    wait_for(lambda: len(log.read_text().splitlines()) > before, 60)
    reader.press("Stop")
    reader.job("stopped")
    steps = [int(line.split(",")[0]) for line in log.read_text().splitlines()[1:]]
    assert steps == list(range(1, len(steps) + 1))


@pytest.mark.slow
def test_samples_are_drawn_and_shown(reader, project):
    reader.go("/generate?run=runs/generator")
    reader.fill("How many", 4)
    reader.press("Draw")
    reader.job()
    assert len(project.pictures("samples/sample/phases")) == 4
    reader.page.locator(".thumbs img").first.wait_for()


def test_a_volume_turns_is_cut_open_and_sliced(reader):
    reader.go("/generate?show=twins/twin.tif")
    told = reader.page.locator("[data-faces]")
    told.wait_for()
    scene = reader.page.locator(".scene")
    scene.scroll_into_view_if_needed()

    def body():
        shot = pixels(scene.screenshot())
        return shot, (np.abs(shot - (242, 244, 246)).sum(axis=-1) > 60).mean()

    wait_for(lambda: body()[1] > 0.05, 20)
    first = body()[0]
    box = scene.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    reader.page.mouse.move(*middle)
    reader.page.mouse.down()
    reader.page.mouse.move(middle[0] + 120, middle[1] + 30, steps=5)
    reader.page.mouse.up()
    wait_for(lambda: np.abs(body()[0] - first).mean() > 1, 10)
    faces = told.get_attribute("data-faces")
    slider = reader.page.locator('[aria-label="Cut open from above"] .q-slider__track-container')
    slider.focus()
    for _ in range(8):
        slider.press("ArrowLeft")
    wait_for(lambda: told.get_attribute("data-faces") != faces, 20)
    picture = reader.page.locator("img[alt=Slice]")
    before = picture.get_attribute("src")
    reader.page.locator('[aria-label="Position"] .q-slider__track-container').press("ArrowRight")
    wait_for(lambda: picture.get_attribute("src") != before, 10)
    reader.page.get_by_text("Hatch the phases").click()
    wait_for(lambda: "pattern=true" in picture.get_attribute("src"), 10)
    wait_for(lambda: picture.evaluate("i => i.complete && i.naturalWidth > 100"), 10)


def test_a_report_is_written_and_downloaded(reader, project):
    reader.go("/compare")
    reader.press("Write the report")
    reader.page.locator(".job .state.done").wait_for()
    with reader.page.expect_download() as download:
        reader.page.locator(".files a", has_text="Download").first.click()
    text = Path(download.value.path()).read_text()
    assert download.value.suggested_filename == "report.html"
    assert "<svg" in text or "data:image/svg+xml" in text
    with reader.context.expect_page() as opened:
        reader.page.locator(".files a", has_text="Open").first.click()
    opened.value.wait_for_load_state()
    assert "microtwin" in opened.value.title() or opened.value.locator("h1").count()
    opened.value.close()


def test_the_nearest_are_ranked_with_reasons(reader, project):
    reader.go("/compare")
    reader.press("Screen")
    reader.page.get_by_text("Ranking: screened/nearest").wait_for()
    assert reader.page.get_by_text(re.compile(r"score \d")).count() >= 1


def test_what_a_twin_conducts_is_told_with_its_interval(reader, project):
    reader.go("/transport")
    reader.choose("Structures", "twins/twin.tif")
    reader.choose("Along", "z")
    reader.press("Compute")
    reader.job()
    reader.page.get_by_role("cell", name="twin.tif").wait_for()
    reader.page.locator("figure img").wait_for()


def test_nothing_went_wrong_and_nothing_was_asked_of_the_network(reader):
    strange = [
        url for url in reader.asked if not re.match(r"(http://127\.0\.0\.1:|data:|blob:)", url)
    ]
    assert strange == []
    assert [text for text in reader.wrong if "favicon" not in text] == []


def test_real_micrographs_are_taken_and_segmented(browser, shared_data, tmp_path):
    files = sorted((shared_data / "superalloy_sem").glob("*_[0-9].png"))[:3]
    gold = shared_data / "misc_micrographs" / "nanoporous_gold_aquami.png"
    if not files or not gold.exists():
        pytest.skip("no superalloy or gold among the real micrographs")
    with live.studio(tmp_path / "alloy") as one:
        reader = Reader(browser, one)
        reader.go("/")
        reader.page.set_input_files("input[type=file]", files)
        reader.page.get_by_text("Catalogue: 3 images").wait_for()
        reader.go("/phases")
        reader.page.get_by_text(re.compile(r"phase 1: \d+\.\d %")).wait_for(timeout=PATIENCE)
        reader.press("Segment all")
        reader.job()
        assert len(Project(one.project).pictures("phases")) == 3
        reader.go("/")
        reader.page.set_input_files("input[type=file]", gold)
        reader.page.locator(f'.thumbs button[title="{gold.name}"]').click()
        reader.page.get_by_text("77 rows").wait_for()  # its info bar
        assert reader.wrong == []
        reader.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_fits_and_is_reached_by_keyboard(browser, running, reader, width):
    one = Reader(browser, running, width=width)
    for stage in STAGES:
        one.go(stage.path)
        one.page.wait_for_timeout(300)
        wide = one.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, stage.name
        one.page.keyboard.press("Tab")
        assert one.page.evaluate("document.activeElement.innerText") == "Skip to the content"
        unnamed = one.page.evaluate(
            """() => [...document.querySelectorAll('button, a, input, img')].filter(e =>
                e.offsetParent && !e.textContent?.trim() && !e.getAttribute('aria-label')
                && !e.labels?.length && e.getAttribute('alt') === null
                && !e.closest('[aria-hidden=true], label, .q-uploader, .q-field')
            ).map(e => e.outerHTML.slice(0, 120))"""
        )
        assert unnamed == [], stage.name
    assert one.wrong == []
    one.context.close()


def test_the_language_is_changed_on_the_page(browser, running):
    one = Reader(browser, running)
    one.go("/train")
    one.page.get_by_text("Español").click()
    one.page.get_by_role("heading", name="Entrenar", level=1).wait_for()
    assert one.page.evaluate("document.documentElement.lang") == "es"
    one.context.close()


@pytest.mark.skipif("MICROTWIN_SCREENSHOTS" not in os.environ, reason="no folder for pictures")
@pytest.mark.parametrize("width", WIDTHS)
def test_pictures_of_every_page_for_the_documentation(browser, running, reader, width):
    from PIL import Image

    folder = Path(os.environ["MICROTWIN_SCREENSHOTS"])
    folder.mkdir(parents=True, exist_ok=True)
    for language in ("en-US", "es-MX"):
        one = Reader(browser, running, width=width, language=language)
        shown = STAGES if language == "en-US" else [s for s in STAGES if s.name == "select"]
        for stage in shown:
            path = "/generate?show=twins/twin.tif" if stage.name == "generate" else stage.path
            one.go(path)
            one.page.wait_for_timeout(4000 if stage.name == "generate" else 1500)
            height = min(max(one.page.evaluate("document.body.scrollHeight"), 700), 1900)
            one.page.set_viewport_size({"width": width, "height": height})
            one.page.wait_for_timeout(1200)
            shot = Image.open(io.BytesIO(one.page.screenshot()))
            small = shot.convert("RGB").quantize(96, dither=Image.Dither.NONE)
            name = f"{stage.name}-{width}" + ("-es" if language == "es-MX" else "")
            small.save(folder / f"{name}.png", optimize=True)
            one.page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        one.context.close()
