"""What an import says of venues that it does not know and of papers that no longer stand."""

from __future__ import annotations

from datetime import date

from surveykit.imports.run import import_file

BIB = """\
@inproceedings{one,
  title     = {RETRACTED: Planting Backdoors in Imaginary Scanners},
  author    = {Example, Ada},
  booktitle = {Internatonal Conference on Computer Vision},
  year      = {2023},
}
@article{two,
  title   = {Retracted Gaussian Flows of Imaginary Scanners},
  author  = {Example, Grace},
  journal = {IEEE Trans. Inf. Forensics Secur.},
  year    = {2023},
}
"""


def test_marks_and_guesses_reach_report_and_entry(catalog, tmp_path):
    path = tmp_path / "refs.bib"
    path.write_text(BIB, encoding="utf-8")
    imported = import_file(path, catalog, date(2026, 11, 21))
    said = {(a.line, a.kind): a.message for a in imported.anomalies}
    assert said[1, "retracted"].startswith("'one': the title says 'RETRACTED:'; ")
    assert said[1, "venue"] == (
        "'one': 'Internatonal Conference on Computer Vision' is not in catalog/venues.yaml; perhaps iccv"
    )
    assert (7, "retracted") not in said
    first, second = (draft for _, draft in imported.drafts)
    assert first.data["title"]["en"].startswith("RETRACTED: ")  # validate refuses it
    mark = "venue: todo  # “Internatonal Conference on Computer Vision” is not registered; perhaps iccv"
    assert mark in first.text
    assert second.data["venue"] == "tifs"
