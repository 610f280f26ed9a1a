"""Configuration of the documentation."""

import re
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent / "django_phone_otp" / "__init__.py"
_VERSION = re.search(r'^__version__ = "(.+)"$', _PACKAGE.read_text(encoding="utf-8"), re.MULTILINE)

project = "django-phone-otp"
author = "The django-phone-otp authors"
project_copyright = author
release = version = _VERSION[1] if _VERSION else ""

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"django-phone-otp {release}"
html_static_path = ["_static"]
html_favicon = "../django_phone_otp/static/phone_otp/icon.svg"
html_copy_source = False
html_show_sphinx = False
