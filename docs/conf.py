"""Settings of Sphinx for the documentation: `make docs`."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import api_pages  # noqa: E402
import benchmark_pages  # noqa: E402
import figures  # noqa: E402
import gradstep  # noqa: E402
import thumbnails  # noqa: E402
from sphinx.domains.python import PythonDomain  # noqa: E402
from sphinx.util import inspect  # noqa: E402

project = "gradstep"
author = "the gradstep developers"
project_copyright = author
version = release = gradstep.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
# Inventories of other projects come over the network, which a build does without unless it is asked.
if os.environ.get("GRADSTEP_DOCS_INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", None),
    "numpy": ("https://numpy.org/doc/stable", None),
    "scipy": ("https://docs.scipy.org/doc/scipy", None),
    "sklearn": ("https://scikit-learn.org/stable", None),
    "torch": ("https://docs.pytorch.org/docs/stable", None),
}
exclude_patterns = ["build", "auto_examples/*.ipynb", "auto_examples/*.py", "auto_examples/*.zip"]
# Of several classes of one name, the one that a bare name means.
PREFERRED = ("gradstep.models.Sequential",)
suppress_warnings = ["config.cache"]

# Single backticks make a link to the name in them, or code if there is no such name.
default_role = "py:obj"
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autodoc_typehints = "none"
autodoc_mock_imports = [name for name in ("torch",) if find_spec(name) is None]
python_maximum_signature_line_length = 80
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_custom_sections = [("State", "params_style"), ("Warns", "params_style")]
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"(^|[\\/])data\.py$",
    "within_subsection_order": "gallery.ReadmeOrder",
    "image_scrapers": ("gallery",),
    "default_thumb_file": str(figures.MADE / "thumbnail.png"),
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "remove_config_comments": True,
    "abort_on_example_error": True,
    "plot_gallery": "True",
}

html_theme = "pydata_sphinx_theme"
html_title = "gradstep"
html_static_path = ["_static"]
html_css_files = ["gradstep.css"]
html_show_sourcelink = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "header_links_before_dropdown": 6,
    "navigation_depth": 2,
    "collapse_navigation": True,
    "show_nav_level": 1,
    "show_prev_next": False,
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}


class OneMeaning(PythonDomain):
    """Types of arguments are links where a name means one thing; `dtype`, an attribute of many classes, is none."""

    def find_obj(self, *about: Any) -> list[tuple[str, Any]]:
        found = super().find_obj(*about)
        chosen = [match for match in found if match[0] in PREFERRED] or [m for m in found if not m[1].aliased] or found
        return chosen if len(chosen) == 1 else []


def arguments_of(app: Any, what: str, name: str, obj: Any, options: Any, signature: str, returns: str) -> Any:
    """Of a class whose `__new__` hands arguments on, as that of the layers: the signature of its `__init__`."""
    if what != "class" or signature != "(*args, **options)":
        return None
    own = inspect.signature(obj.__init__, bound_method=True)
    return inspect.stringify_signature(own, show_annotation=False, show_return_annotation=False), returns


def write_pages(app: Any) -> None:
    """Make what is not in the repository: pages of the reference and of the benchmarks, and figures."""
    from sphinx.ext.autodoc.mock import mock

    with mock(autodoc_mock_imports):
        api_pages.write()
    benchmark_pages.write()
    figures.write()


def write_thumbnail(app: Any, config: Any) -> None:
    """Make the picture that the gallery looks for before anything else is made."""
    figures.thumbnail()


def write_thumbnails(app: Any) -> None:
    """Draw a sketch for each example that saved no picture."""
    thumbnails.write(HERE / "auto_examples")


def setup(app: Any) -> None:
    app.connect("config-inited", write_thumbnail)
    app.add_domain(OneMeaning, override=True)
    app.connect("autodoc-process-signature", arguments_of)
    app.connect("builder-inited", write_pages)
    app.connect("builder-inited", write_thumbnails, priority=900)  # after the gallery, whose priority is 500
