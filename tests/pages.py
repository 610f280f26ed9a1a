"""The pages of the documentation, and how a test reads them: tables, blocks of code, and what stands in cells."""

import re
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PROJECT_FILES = [README, *(ROOT / f"{name}.md" for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY"))]
VENDOR_PAGES = sorted((DOCS / "vendors").glob("*.md"))
PAGES = [*PROJECT_FILES, *sorted(DOCS.glob("*.md")), *VENDOR_PAGES]

_BLOCK = re.compile(r"^( *)```([a-z]+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def tables(page):
    """Yield every table of a page: its header, and its rows as dicts of cells without backticks."""
    header, rows = None, []
    for line in [*page.read_text(encoding="utf-8").splitlines(), ""]:
        if not line.startswith("| ") and not line.startswith("|-"):
            if header:
                yield header, rows
            header, rows = None, []
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if header is None:
            header = cells
        elif not line.startswith("|-"):
            assert len(cells) == len(header), f"{page.name}: {line}"
            rows.append(dict(zip(header, cells, strict=True)))


def rows_of(name, first, *more):
    """Return all rows of the tables of page ``name`` whose header starts with these columns."""
    wanted = [first, *more]
    found = [row for header, rows in tables(DOCS / name) if header[: len(wanted)] == wanted for row in rows]
    assert found, f"{name} has no table with {wanted}"
    return found


def plain(cell):
    """Return a cell's text without backticks."""
    return cell.strip("`")


def index(rows, column, value):
    """Return one column of ``rows`` by another, after making sure that no row is there twice."""
    found = {plain(row[column]): plain(row[value]) for row in rows}
    assert len(found) == len(rows)
    return found


def blocks(page, language):
    """Return the code blocks of a page in one language, without the indentation of a list."""
    matches = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [re.sub(f"^{m[1]}", "", m[3], flags=re.MULTILINE) for m in matches if m[2] == language]


def run_settings(block, monkeypatch):
    """Return what a settings block makes of ``PHONE_OTP``, with the secrets that it takes from the environment."""
    for name in re.findall(r'os\.environ\["(\w+)"\]', block):
        monkeypatch.setenv(name, f"made-up-{name}")
    namespace = {}
    exec(block, namespace)
    return namespace["PHONE_OTP"]


def example_module():
    """Return the module of ``docs/write-a-backend.md``, which the settings blocks know as ``shop.sms``."""
    block = next(block for block in blocks(DOCS / "write-a-backend.md", "python") if "class ExampleBackend" in block)
    module = ModuleType("shop.sms")
    exec(block, vars(module))
    return module


def cells(cell):
    """Return what stands in backticks in a cell."""
    return re.findall("`([^`]+)`", cell)


def vendor_pages():
    """Return the pages of the vendors in the order of the table that names their classes."""
    rows = rows_of("vendors.md", "vendor", "class, in `django_phone_otp.backends.`")
    return [DOCS / re.search(r"\((.+)\)", row["page"])[1] for row in rows]
