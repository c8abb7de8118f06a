"""What docs/exports.md shows is what is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seo_warehouse.exports import disavow
from seo_warehouse.exports.generic import GENERIC
from seo_warehouse.exports.labs import PART
from seo_warehouse.exports.search_console import LATEST_LINKS, PERFORMANCE_FORM, TOTALS
from seo_warehouse.exports.vendors import VENDORS
from seo_warehouse.exports.wide import FORMS as WIDE_FORMS
from tests.exports.files import WRITTEN, parts_of, rows_of, zipped

TEXT = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL))
EXAMPLES = {part: re.findall(r"```text\n(.*?)```", section, re.DOTALL) for part, section in SECTIONS.items()}
FORMS = (*GENERIC, *VENDORS, LATEST_LINKS, PERFORMANCE_FORM, *WIDE_FORMS)
LATER = WRITTEN.replace(year=2027)


def test_every_form_is_documented() -> None:
    assert SECTIONS.keys() == {form.part for form in (*FORMS, TOTALS)} | {PART, disavow.PART}


@pytest.mark.parametrize("part", sorted({form.part for form in FORMS}))
def test_each_example_is_of_its_form(part: str) -> None:
    (example,) = EXAMPLES[part]
    (found,) = parts_of("export.csv", example, LATER)
    assert (found.part, found.refused_count, found.notes) == (part, 0, ())
    assert rows_of("export.csv", example, LATER)


def test_the_example_of_the_zip_is_its_first_sheet() -> None:
    (example,) = EXAMPLES["search_console_zip"]
    (found,) = parts_of("x.zip", zipped({"Chart.csv": example}), LATER)
    assert found.row_count == 1


def test_the_example_of_a_disavow_file_is_one() -> None:
    (example,) = EXAMPLES[disavow.PART]
    (found,) = parts_of("disavow.txt", example, LATER)
    assert (found.part, found.row_count) == (disavow.PART, 3)


@pytest.mark.parametrize("form", GENERIC, ids=lambda form: form.part)
def test_every_column_of_a_generic_form_is_named(form: object) -> None:
    for field in form.fields:  # type: ignore[attr-defined]
        name = field.headings[0].replace(" ", "_")
        assert re.search(rf"\b{name}\b", SECTIONS[form.part]), name  # type: ignore[attr-defined]
