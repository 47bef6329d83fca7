"""Every text is there in every language, and every text that there is, is used."""

import re
from pathlib import Path
from string import Formatter

import pytest

import microtwin.studio
from microtwin.phases import METHODS
from microtwin.statistics._registry import STATISTICS
from microtwin.statistics.directions import FAMILIES
from microtwin.studio.jobs import job as jobs
from microtwin.studio.texts import LANGUAGES, Texts, catalogue, preferred

SOURCES = Path(microtwin.studio.__file__).parent
CODE = "\n".join(path.read_text(encoding="utf-8") for path in sorted(SOURCES.rglob("*.py")))
STAGES = re.findall(r'Stage\("(\w+)"', CODE)
STATES = [jobs.QUEUED, *jobs.ACTIVE, jobs.DONE, jobs.STOPPED, jobs.FAILED, jobs.LOST, "no"]
# What keys are put together from where the code does.
PARTS = {
    "anneal.{name}": ["quench", "geometric", "adaptive"],
    "jobs.state.{job.state}": STATES,
    "measure.unit.{_unit(statistic)}": ["probability", "share", "density"],
    "measure.{name}": [*STATISTICS, *FAMILIES],
    "measure.{one.statistic}": STATISTICS,
    "measure.{statistic}": STATISTICS,
    "phases.{name}": METHODS,
    "select.{name}": ["yes", "no", "skip", "undo"],
    "{name}.lead": STAGES,
    "{name}.title": STAGES,
    "{one.name}.title": STAGES,
}


def used():
    """Return the keys that the code asks for."""
    found = set(re.findall(r'\bt\(\s*"([\w.]+)"', CODE))
    found |= set(re.findall(r'"((?:viewer|select|compare)\.[\w.]+)"', CODE))
    for template in set(re.findall(r'\bt\(\s*f"([^"]+)"', CODE)) - {"{key}.go"}:
        hole = re.search(r"\{.*\}", template)[0]
        found |= {template.replace(hole, value) for value in PARTS[template]}
    for key, linked in re.findall(r'widgets\.empty\(\s*view,\s*"([\w.]+)"(,\s*link=)?', CODE):
        found |= {key, f"{key}.go"} if linked else {key}
    for key in ("compare.empty.real", "compare.empty.made"):
        found |= {key, f"{key}.go"}
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_that_is_asked_for_is_there(language):
    assert used() - set(catalogue(language)) == set()


def test_no_text_is_left_over():
    assert set(catalogue("en")) - used() == set()


def test_languages_have_the_same_texts_with_the_same_gaps():
    def gaps(text):
        return sorted(name for _, name, _, _ in Formatter().parse(text) if name)

    first, *others = (catalogue(language) for language in LANGUAGES)
    for other in others:
        assert set(other) == set(first)
        assert {key: gaps(text) for key, text in other.items()} == {
            key: gaps(text) for key, text in first.items()
        }
        same = [key for key in first if first[key] == other[key] and " " in first[key]]
        assert [key for key in same if re.search(r"[a-z]{4} [a-z]{2}", first[key])] == []


def test_texts_fit_into_attributes():
    """Some are written into HTML attributes: quotes and tags would end these."""
    for language in LANGUAGES:
        assert [k for k, text in catalogue(language).items() if re.search(r'["<>]', text)] == []


def test_the_language_is_the_chosen_one_or_else_the_browsers():
    assert preferred("es", "en-US,en") == "es"
    assert preferred(None, "fr-FR,es-MX;q=0.8,en") == "es"
    assert preferred("xx", "") == "en"
    assert Texts("es")("frame.jobs", n=3) == "Tareas: 3"
