"""The HTML report: complete, alone, readable without eyes or colours."""

import numpy as np
import pytest

from microtwin import anneal, describe
from microtwin.comparison import compare
from microtwin.errors import InputError
from microtwin.generation import Samples
from pages import Page, assert_stands_alone


@pytest.fixture(scope="module")
def comparison():
    rng = np.random.default_rng(0)
    greys = rng.random((5, 32, 32)).astype(np.float32)
    real = list((greys > 0.5).astype(np.uint8))
    target = describe(real, phase=(1, 0), max_lag=8)
    made = rng.random((4, 32, 32)).astype(np.float32)
    gan = Samples(made, (made > 0.5).astype(np.uint8), (0.5,), 7, range(len(made)))
    return compare(
        {
            "annealed": [
                anneal(target, shape=(32, 32), seed=s, max_proposals=300_000) for s in (1, 2)
            ],
            "GAN": gan,
            "volume": anneal(target, shape=(12, 12, 12), seed=1, max_proposals=40_000),
        },
        reference=real,
        spacing=4e-9,
        images={"real": list(greys)},
        losses={"GAN": {"d_loss": [0.7, 0.6, 0.5], "g_loss": [0.7, 0.8, 0.9]}},
        seconds={"GAN": 61.0},
        settings={
            "source": "<made up> & escaped",
            "notes": ["A note."],
            "command": "microtwin run -o out",
            "seconds": {"describing": 0.5},
        },
    )


@pytest.fixture(scope="module")
def html(comparison, tmp_path_factory):
    return comparison.to_html(tmp_path_factory.mktemp("report") / "r.html").read_text("utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_report_needs_nothing_but_itself(html):
    assert_stands_alone(html)


def test_the_report_is_well_formed_and_fits_small_screens(page):
    assert {"charset": "utf-8"} in page.all("meta")
    assert any(m.get("name") == "viewport" for m in page.all("meta"))
    assert page.all("html") == [{"lang": "en"}]


def test_every_picture_says_in_words_what_it_shows(page):
    texts = [image.get("alt") for image in page.all("img")]
    # real: grey and phases; annealed: phases; GAN: both; 3 slices; 4 functions; energy; losses
    assert len(texts) == 2 + 1 + 2 + 3 + 4 + 2
    assert all(text and len(text) > 15 for text in texts)
    assert any(
        svg.get("aria-label", "").endswith("cube seen from outside") for svg in page.all("svg")
    )


def test_the_report_tells_verdicts_errors_seeds_versions_and_the_command(comparison, page):
    for name in ("annealed", "GAN", "volume"):
        assert comparison.verdict(name) in page.text
    for text in (
        "Equal S₂ and L do not prove equal structure",
        "<made up> & escaped",
        "A note.",
        "microtwin run -o out",
        "seeds of annealed",
        f"numpy {np.__version__}",
        "1 min 01 s" if comparison["GAN"].seconds >= 120 else "61 s",
    ):
        assert text in page.text


def test_lines_differ_by_dashes_as_well_as_by_colour(page):
    legend = [line for line in page.all("line") if "stroke-dasharray" in line]
    assert len(legend) == 4
    assert len({line["stroke"] for line in legend}) == 4
    assert len({line["stroke-dasharray"] for line in legend}) == 4


def test_the_same_comparison_gives_the_same_report(comparison, html, tmp_path):
    assert comparison.to_html(tmp_path / "again.html").read_text("utf-8") == html


def test_a_comparison_read_back_gives_a_report_without_pictures(comparison, tmp_path):
    from microtwin.comparison import Comparison

    back = Comparison.from_json(comparison.to_json(tmp_path / "c.json"))
    page = Page(back.to_html(tmp_path / "r.html").read_text("utf-8"))
    assert len(page.all("img")) == 4 + 2
    assert comparison.verdict("GAN") in page.text


def test_a_report_that_cannot_be_written_leaves_nothing_behind(comparison, tmp_path):
    (tmp_path / "r.html").mkdir()
    with pytest.raises(InputError, match=r"r\.html cannot be written: Is a directory"):
        comparison.to_html(tmp_path / "r.html")
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
