"""How Sphinx builds the pages: ``sphinx-build -W docs docs/_build/html``."""

import re
from importlib.metadata import version as version_of

project = "microtwin"
author = "The microtwin authors"
copyright = "The microtwin authors, MIT licence"
version = release = version_of("microtwin")  # the pages tell of the package that is installed

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
root_doc = "index"

html_theme = "alabaster"
html_theme_options = {"description": "Statistical twins of random microstructures"}
html_static_path = []

# A single pair of backticks names an argument or an attribute, which several classes may have.
suppress_warnings = ["ref.python"]

autodoc_typehints = "none"  # numpydoc says them, and shorter
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True


def setup(app):
    """Read docstrings as they are meant: |F| is a modulus, and a line may begin with initials."""

    def plain(app, what, name, obj, options, lines):
        for i, line in enumerate(lines):
            lines[i] = re.sub(r"^(\s*[A-Z])\. ", r"\1\\. ", line).replace("|", r"\|")

    app.connect("autodoc-process-docstring", plain, priority=900)
