"""Methods against each other: who is nearest, what ties, what the report holds of it."""

import base64
import re
import sys

import numpy as np
import pytest

import microtwin as mt
from microtwin import _memory
from microtwin.comparison import Comparison, contest
from microtwin.comparison._structure_numbers import StructureNumbers
from microtwin.comparison.ranking import rank
from microtwin.errors import InputError
from microtwin.images import synthetic
from pages import Page, assert_stands_alone


def field(seed, length=4, fraction=0.4, shape=(64, 64)):
    return synthetic.gaussian_field(
        shape, correlation_length=length, fraction=fraction, seed=seed
    ).astype(np.uint8)


@pytest.fixture(scope="module")
def ranked():
    real = [field(i) for i in range(16)]
    return mt.compare(
        {"same": [field(100 + i) for i in range(16)], "coarse": [field(i, 8) for i in range(16)]},
        reference=real,
        statistics=("two_point", "lineal_path", "cluster", "pore_size"),
        phase=1,
        conductivities={1: 1.0},
        made_by={"same": ("two_point",)},
        resamples=400,
    )


@pytest.fixture(scope="module")
def annealed():
    part = [field(i, shape=(128, 128)) for i in range(4)]
    return contest(
        part[:2], part[2:], shape=(48, 48), samples=3, resamples=200, max_lag=16,
        statistics=("two_point", "lineal_path"), annealing={"max_proposals": 50_000}, threads=1,
    )  # fmt: skip


def row_of(result, quantity):
    return next(row for row in result.rows if row.quantity == quantity)


def test_another_material_is_told_from_the_same(ranked):
    for quantity in ("lineal_path", "pore_size", "perimeter"):
        same, coarse = row_of(ranked, quantity).places
        assert same.tied
        assert not coarse.tied
        assert coarse.low > same.high
    assert row_of(ranked, "pore_size").nearest == ("same",)


def test_what_structures_were_made_by_is_marked(ranked):
    assert [p.asked for p in row_of(ranked, "two_point").places] == [True, False]
    assert not any(p.asked for p in row_of(ranked, "cluster").places)
    assert row_of(ranked, "pore_size").verdict() == "same"


def test_real_samples_come_as_near_as_chance_lets_them():
    """In 95 of 100 cases the interval of a difference between two halves holds zero."""

    def numbers(rng, shift):
        values = rng.normal(shift, 1, (12, 5))
        return StructureNumbers(scalars={}, curves={("two_point", 1): values})

    told = {0.0: 0, 2.0: 0}
    for seed in range(60):
        for shift in told:
            rng = np.random.default_rng(seed)
            (row,) = rank(
                numbers(rng, 0),
                {"a": numbers(rng, 0), "b": numbers(rng, shift)},
                asked={}, phase=1, resamples=200, seed=seed,
            )  # fmt: skip
            told[shift] += len(row.nearest) == 1
    assert told[0.0] <= 9
    assert told[2.0] >= 58


def test_where_real_structures_do_not_differ_nothing_is_ranked():
    flat = StructureNumbers(scalars={"percolating along x": np.ones(4)}, curves={
        ("two_point", 1): np.random.default_rng(0).random((4, 3))})  # fmt: skip
    off = StructureNumbers(scalars={"percolating along x": np.zeros(4)}, curves=flat.curves)
    rows = rank(flat, {"same": flat, "off": off}, asked={}, phase=1, resamples=50)
    same, other = rows[1].places
    assert (same.distance, same.tied) == (0, True)
    assert np.isnan(other.distance)
    assert not other.tied


def test_numbers_are_those_of_each_structure(ranked):
    found = ranked["same"].numbers
    one = field(100)
    assert found["perimeter"][0] == mt.minkowski(one, phase=1).numbers["perimeter_density"]
    assert found["largest cluster"][0] == mt.connectivity(one, phase=1).largest_fraction
    k = mt.effective_conductivity(one, {1: 1.0}, axis=1, tol=1e-3).relative
    assert found["conductivity along x"][0] == pytest.approx(k, rel=2e-3)


def test_a_ranking_is_read_back_as_it_was(ranked, tmp_path):
    back = Comparison.from_json(ranked.to_json(tmp_path / "c.json"))
    assert back.rows == ranked.rows
    np.testing.assert_array_equal(
        back["same"].numbers["Euler number"], ranked["same"].numbers["Euler number"]
    )


def test_twins_come_nearest_in_what_they_were_annealed_to(annealed):
    assert [m.name for m in annealed.methods] == [
        "annealed S2", "annealed S2+L", "annealed S2+L+p+C2", "real, training part",
    ]  # fmt: skip
    two, both = row_of(annealed, "two_point"), row_of(annealed, "lineal_path")
    assert [p.asked for p in two.places] == [True, True, True, False]
    assert [p.asked for p in both.places] == [False, True, True, False]
    assert annealed["annealed S2+L"].seconds > 0
    assert annealed.settings["contest"]["samples of each method"] == 3


def test_the_report_holds_the_numbers_behind_its_figures(annealed, tmp_path):
    text = annealed.to_html(tmp_path / "r.html").read_text("utf-8")
    assert_stands_alone(text)
    page = Page(text)
    files = {a["download"]: a["href"] for a in page.all("a") if "download" in a}
    assert {"ranking.csv", "structures.csv", "comparison.csv", "energies.csv"} <= set(files)
    head, content = files["ranking.csv"].split(",", 1)
    assert head == "data:text/csv;base64"
    table = base64.b64decode(content).decode()
    assert table.startswith("quantity,phase,name,distance,low,high,asked,tied\n")
    assert len(table.splitlines()) == 1 + len(annealed.rows) * 4


def test_the_report_tells_how_it_was_done_with_sources(annealed, tmp_path):
    text = Page(annealed.to_html(tmp_path / "r.html").read_text("utf-8")).text
    assert "simulated annealing to S₂ and L of the material" in text
    cited = {int(n) for group in re.findall(r" \[([\d, ]+)\]\.", text) for n in group.split(",")}
    assert cited == set(range(1, max(cited) + 1))
    for work in ("Torquato", "Yeong", "Bootstrap"):
        assert work in text


@pytest.mark.skipif(_memory._status("VmHWM") is None, reason="the system does not tell")
def test_the_memory_of_each_method_is_told(annealed, tmp_path):
    made = [m for m in annealed.methods if m.kind == "annealing"]
    assert made
    assert all(50e6 < m.memory < 50e9 for m in made)
    assert f"Made within {made[0].memory / 1e9:.2g} GB of memory." in annealed.verdict(made[0].name)
    again = Comparison.from_json(annealed.to_json(tmp_path / "c.json"))
    assert [m.memory for m in again.methods] == [m.memory for m in annealed.methods]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"methods": ("GAN",)}, "gan must be given for 'GAN'"),
        ({"methods": ("magic",)}, "methods must be one of annealed S2"),
        ({"shape": (8, 8, 8)}, r"shape must be 2-D, as what is held out is, not \(8, 8, 8\)"),
        ({"shape": (128, 100)}, "must hold two pieces of the shape"),
        ({"samples": 1}, "samples must be at least 2"),
        ({"resamples": 0}, "resamples must be at least 1"),
        ({"training_seconds": -1}, "training_seconds must be at least 0"),
    ],
)
def test_bad_arguments_are_named_before_anything_is_made(change, message, monkeypatch):
    monkeypatch.setattr(sys.modules["microtwin.comparison.contest"], "_make", None)
    parts = [field(i, shape=(128, 128)) for i in range(2)]
    with pytest.raises(InputError, match=message):
        contest(parts[:1], parts[1:], **{"shape": (64, 64), **change})


def test_images_and_volumes_are_not_mixed():
    with pytest.raises(InputError, match=r"all images or all volumes.*training is not 3-D"):
        contest(field(0), np.stack([field(i) for i in range(64)]), shape=(32, 32, 32))


def test_ranking_needs_real_structures_of_one_size():
    parts = [field(i) for i in range(4)]
    with pytest.raises(InputError, match="resamples must be 0 unless the reference is two"):
        mt.compare({"a": parts}, reference=parts[0], resamples=10)
    with pytest.raises(InputError, match="resamples must be 0 unless all structures have one"):
        mt.compare({"a": [parts[0][:32, :32]]}, reference=parts[1:], resamples=10)
    with pytest.raises(InputError, match="made_by must name methods, not 'b'"):
        mt.compare({"a": parts}, reference=parts, made_by={"b": ("two_point",)})
