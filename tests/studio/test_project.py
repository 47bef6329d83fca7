"""The project folder: what lies where, and that nothing outside it is reached."""

import os

import pytest

from microtwin.errors import InputError
from microtwin.studio.project import Project, Settings, safe_name

TRICKS = [
    "../secret.txt", "images/../../secret.txt", "/etc/passwd", "//etc/passwd", "images//x",
    "..", ".", "", "images/./x", "~/x", ".studio/thumbs", "images/.hidden", "a\0b",
    "..\\..\\secret.txt", "C:/secret.txt", "images/..", "link/secret.txt", "link",
]  # fmt: skip


@pytest.mark.parametrize("path", [p for p in TRICKS if p != "~/x"])
def test_no_path_leads_out_of_the_project(project, path):
    (project.root.parent / "secret.txt").write_text("secret")
    os.symlink(project.root.parent, project.root / "link")
    with pytest.raises(InputError, match="must lie in the project"):
        project.inside(path)


def test_a_home_folder_is_but_a_name(project):
    assert project.inside("~/x") == project.root / "~" / "x"


def test_what_is_there_is_found_and_what_is_not_is_said(project):
    assert project.existing("images/0.tif").is_file()
    with pytest.raises(InputError, match="does not exist in the project"):
        project.existing("images/9.tif")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"), ("a b/ä c.TIF", "ä_c.TIF"), ("..\\x.png", "x.png"),
        ('"><script>.png', "script_.png"), (".bashrc", "bashrc"), ("-rf.png", "-rf.png"),
    ],
)  # fmt: skip
def test_names_lose_what_is_dangerous(given, kept):
    assert safe_name(given) == kept


@pytest.mark.parametrize("name", ["", "...", "///", "<>", "--"])
def test_a_name_of_nothing_is_refused(name):
    with pytest.raises(InputError, match="must have a name"):
        safe_name(name)


def test_new_things_get_names_of_their_own(project):
    assert project.free("twins", "a b", ".tif") == "twins/a_b.tif"
    (project.root / "twins" / "a_b.tif").touch()
    assert project.free("twins", "a b", ".tif") == "twins/a_b-2.tif"


def test_settings_come_back_and_rubbish_becomes_the_usual(project):
    project.write_settings(Settings(spacing=4e-9, crop_info_bar="12", person="Ana"))
    assert project.read_settings() == Settings(spacing=4e-9, crop_info_bar="12", person="Ana")
    assert project.read_settings().options == ["--crop-info-bar=12", "--spacing=4e-09"]
    (project.root / "studio.json").write_text('{"spacing": "wide"}')
    assert project.read_settings() == Settings()
    with pytest.raises(InputError, match="spacing must be above 0"):
        Settings(spacing=-1.0)
    with pytest.raises(InputError, match="crop_info_bar must be auto, no or a number"):
        Settings(crop_info_bar="some")


def test_sources_are_folders_and_what_is_in_them(project):
    (project.root / "samples" / "a").mkdir()
    (project.root / "phases" / "0.tif").rename(project.root / "samples" / "a" / "0.tif")
    found = {source.path: source.files for source in project.sources("phases", "samples")}
    assert found == {"phases": 2, "phases/1.tif": 1, "phases/2.tif": 1, "samples/a": 1}


def test_of_samples_the_phases_are_measured_and_not_the_grey_levels(project):
    for name in ("phases", "grey"):
        (project.root / "samples" / "a" / name).mkdir(parents=True)
        for i in range(2):
            (project.root / "samples" / "a" / name / f"{i}.png").touch()
    assert [(s.path, s.files) for s in project.sources("samples")] == [("samples/a/phases", 2)]


def test_a_project_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="project must be a writable folder"):
        Project(tmp_path / "file")
