"""How the documentation is built: sphinx-build -W docs docs/_build."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "labinterp"
author = "The labinterp developers"
project_copyright = author
namespace: dict[str, str] = {}
exec((Path(__file__).parents[1] / "src/labinterp/_version.py").read_text(encoding="utf-8"), namespace)  # noqa: S102 - our own file
version = release = namespace["__version__"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "search_words"]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
html_theme = "furo"
html_title = f"labinterp {release}"
html_static_path = ["_static"]
html_css_files = ["reading.css"]
html_js_files = [("reading.js", {"defer": "defer"})]
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}
html_copy_source = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
