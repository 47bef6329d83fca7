"""Every page, built for a reader without a browser: in both languages, empty and full."""

import asyncio
import re

import numpy as np
import pytest

from microtwin import describe, sample_labels
from microtwin.images import Catalogue, save_image
from microtwin.studio.project import Project
from microtwin.studio.texts import LANGUAGES, catalogue

nicegui = pytest.importorskip("nicegui")

from nicegui import ElementFilter, run, ui  # noqa: E402
from nicegui.testing import user_simulation  # noqa: E402

from microtwin.studio import server  # noqa: E402
from microtwin.studio.context import Studio  # noqa: E402
from microtwin.studio.jobs import Queue  # noqa: E402
from microtwin.studio.layout import STAGES  # noqa: E402


class Still(Queue):
    """A queue that starts nothing: what was put in line is looked at."""

    def advance(self):
        pass


def visit(project, look, *, language="en"):
    """Let a coroutine function look at the pages of a project."""

    async def go():
        run.process_pool_start_method = "spawn"  # as in a studio: JAX may be loaded here
        async with user_simulation() as user:
            server.attach(Studio(project, Still(project.root), 2**20))
            user.http_client.headers["accept-language"] = language
            await look(user)

    asyncio.run(go())


def texts(user):
    """Return all that is written on the page."""
    with user.client:
        return [
            e.text
            for e in ElementFilter(kind=ui.element)
            if isinstance(getattr(e, "text", None), str)
        ]


def press(user, text):
    user.find(kind=ui.button, content=text).click()


@pytest.fixture
def full(project):
    """A project in which each stage has something to show."""
    root = project.root
    describe(sample_labels(3, shape=(64, 64)), max_lag=16).to_json(root / "descriptions" / "d.json")
    save_image(root / "twins" / "twin.tif", np.indices((12, 12, 12)).sum(0) % 2)
    (root / "runs" / "g").mkdir()
    (root / "runs" / "g" / "generator.npz").touch()
    (root / "reports" / "r.html").write_text("<p>report")
    (root / "transport" / "t.csv").write_text(
        "# {}\nfile,axis,percolates,effective,lower,upper,tortuosity_factor,porosity\n"
        "phases/0.tif,y,True,0.25,0.2499,0.2501,2.1,0.52\nphases/1.tif,y,False,0,0,0,inf,0.4\n"
    )
    return project


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["empty", "full"])
def test_every_page_opens_in_every_language(tmp_path, request, language, kind):
    project = Project(tmp_path / "new") if kind == "empty" else request.getfixturevalue("full")
    known = catalogue(language)

    async def look(user):
        for stage in STAGES:
            await user.open(stage.path)
            await user.should_see(known[f"{stage.name}.lead"])
            written = " ".join(texts(user))
            for one in STAGES:
                assert known[f"{one.name}.title"] in written
            # Keys that were forgotten would show as they are.
            assert [
                key for key in known if re.search(rf"(?<!\S){re.escape(key)}(?!\S)", written)
            ] == []

    visit(project, look, language=language)


def test_empty_pages_say_what_to_do_next(tmp_path):
    async def look(user):
        await user.open("/measure")
        await user.should_see("There is nothing to measure yet")
        press(user, "Add images")
        await user.should_see("Drop micrographs or volumes here")
        press(user, "Use the built-in sample")
        await user.should_see("Catalogue: 12 images", retries=300)

    visit(Project(tmp_path / "new"), look)


@pytest.mark.parametrize(
    ("page", "button", "begins", "holds"),
    [
        ("/phases", "Segment all", ["segment", "images", "-o", "phases"], ["--method=otsu"]),
        ("/measure", "Measure", ["describe", "phases", "-o", "descriptions/phases.json"],
         ["--statistics=two_point,lineal_path", "--directions=axes"]),
        ("/anneal", "Anneal", ["anneal", "phases", "--shape=128,128", "-o", "twins/twin-2.tif"],
         ["--latest", "annealing/twin-2.png", "--max-lag=32"]),
        ("/train", "Train", ["train", "images", "-o", "runs/generator"], ["--preset=dcgan-2d"]),
        ("/generate", "Draw", ["sample", "runs/g", "-o", "samples/sample"], ["--count=16"]),
        ("/compare", "Write the report", ["compare", "phases", "--with"],
         ["twins/twin=twins/twin.tif", "reports/report.html"]),
        ("/transport", "Compute", ["transport", "phases", "--phase=0"], ["--tol=1e-3"]),
        ("/select", "Train", ["select", "train", "images"], ["--epochs=20", "--size=64"]),
    ],
)  # fmt: skip
def test_each_stage_starts_the_command_that_one_would_type(full, page, button, begins, holds):
    async def look(user):
        await user.open(page)
        press(user, button)
        await user.should_see("Job 1 is in line")

    visit(full, look)
    (job,) = Queue.all(Still(full.root))
    assert list(job.command[: len(begins)]) == begins
    assert set(holds) <= set(job.command)


def test_only_good_images_are_used_once_some_are_labelled(full):
    rows = Catalogue.from_folder(full.root / "images", labels="none")
    rows.to_csv(full.table)
    Catalogue.update(full.table, {0: "YES", 1: "NO"}, by="ana")

    async def look(user):
        await user.open("/phases")
        press(user, "Segment all")
        await user.should_see("phases of 1 images")

    visit(full, look)
    assert Still(full.root).get(1).command[1:3] == ("images/0.tif", "-o")


def test_what_is_wrong_is_said_where_it_happens(full):
    async def look(user):
        await user.open("/anneal")
        user.find(kind=ui.input, content="Name").clear().type("///")
        press(user, "Anneal")
        await user.should_see("name must have a name of letters and digits")
        await user.open("/")
        user.find(kind=ui.input, content="Who labels").clear().type("model")
        press(user, "Save")
        await user.should_see("by must be a person's name, not 'model'")
        await user.open("/select")
        user.find(kind=ui.number, content="Epochs at most").clear()
        press(user, "Train")
        await user.should_see("Epochs at most: a whole number is needed")

    visit(full, look)
    assert Still(full.root).all() == []


def test_two_jobs_never_write_to_one_place(full):
    async def look(user):
        await user.open("/train")
        press(user, "Train")
        await user.should_see("Job 1 is in line")
        press(user, "Train")
        await user.should_see("Job 2 is in line")

    visit(full, look)
    assert {job.output for job in Still(full.root).all()} == {"runs/generator", "runs/generator-2"}


@pytest.mark.parametrize("path", ["../secret.tif", "/etc/passwd", "a=../secret.tif"])
def test_no_command_is_given_a_file_outside_the_project(project, path):
    from microtwin.errors import InputError
    from microtwin.studio import widgets
    from microtwin.studio.context import View
    from microtwin.studio.texts import Texts

    queue = Still(project.root)
    view = View(Studio(project, queue, 2**20), Texts(), Catalogue(()))
    with pytest.raises(InputError, match="must lie in the project"):
        widgets.start(view, ["describe", path], title="trick")
    assert queue.all() == []


def test_a_result_that_is_damaged_is_said_to_be(full):
    (full.root / "descriptions" / "d.json").write_text("{}")

    async def look(user):
        await user.open("/measure")
        await user.should_see("is not a statistics file of microtwin", retries=30)

    visit(full, look)


def test_what_conducts_nowhere_is_said_in_words(full):
    async def look(user):
        await user.open("/transport")
        await asyncio.sleep(0.1)
        with user.client:
            table = next(iter(ElementFilter(kind=ui.html))).content
        assert "0.2499 – 0.2501" in table
        assert "no way through" in table

    visit(full, look)


def test_addresses_and_words_reach_the_browser_as_they_are(full):
    from microtwin.studio import widgets

    async def look(user):
        await user.open("/select")
        with user.client:
            made = widgets.picture("/thumb?path=a&side=960", 'a "b" \\ & c')
            hinted = widgets.number("n", 1, hint="l'une & l'autre")
            shown = next(
                e for e in ElementFilter(kind=ui.element) if e.props.get("id") == "picture"
            )
        assert made.props["src"] == "/thumb?path=a&side=960"
        assert made.props["alt"] == 'a "b" \\ & c'
        assert hinted.props["hint"] == "l'une & l'autre"
        # Another address once the file is another one: browsers keep pictures for an hour.
        assert re.search(r"&side=960&v=\d+$", shown.props["src"])

    visit(full, look)


def test_a_table_of_images_that_is_damaged_is_said_to_be(full):
    full.table.write_text("who,what\n1,2\n")

    async def look(user):
        for page in ("/", "/select"):
            await user.open(page)
            await user.should_see("catalogue.csv")

    visit(full, look)


def test_foreign_files_among_the_results_do_no_harm(full):
    (full.root / "transport" / "notes.csv").write_bytes(b"\xff\xfe\x00note;1")
    (full.root / "transport" / "other.csv").write_text("a,b\n1,2,3\n")
    (full.root / "screened" / "a").mkdir()
    (full.root / "screened" / "a" / "screening.json").write_bytes(b"\xff{")
    (full.root / "screened" / "b").mkdir()
    (full.root / "screened" / "b" / "screening.json").write_text(
        '{"kept": [{"file": "x.png", "score": 1, "reasons": [null]}]}'
    )

    async def look(user):
        await user.open("/transport")
        await user.should_see("notes")
        await user.open("/compare")
        await user.should_see("r.html")

    visit(full, look)


def test_what_is_looked_at_stays_when_something_new_comes(full):
    async def look(user):
        await user.open("/generate?show=twins/twin.tif")
        await user.should_see("twins/twin.tif", retries=30)

        def choice():
            with user.client:
                return next(
                    e for e in ElementFilter(kind=ui.select) if "twins/twin.tif" in e.options
                )

        before = choice()
        assert before.value == "twins/twin.tif"
        save_image(full.root / "phases" / "9.tif", np.eye(8, dtype=np.uint8))
        for _ in range(60):
            if "phases/9.tif" in choice().options:
                break
            await asyncio.sleep(0.1)
        assert choice() is before
        assert "phases/9.tif" in before.options
        assert before.value == "twins/twin.tif"

    visit(full, look)


def test_a_new_job_under_the_number_of_a_removed_one_is_shown_as_itself(full):
    queue = Still(full.root)
    queue.submit(["train", "images"], title="the first")
    queue.stop(1)

    async def look(user):
        await user.open("/jobs")
        await user.should_see("the first")
        queue.remove(1)
        queue.submit(["anneal", "images"], title="the second")
        await user.should_see("the second", retries=30)

    visit(full, look)
