"""Measured figures: targets are judged as they are meant, files keep what others measured."""

import json

import pytest

from lensfree.stages import accuracy
from lensfree.stages.measures import Measure, read_measures, write_measures


def measure(value, better="higher", target=None):
    return Measure(value, "nm", better, 10, (1, 2), target, "something against its truth")


@pytest.mark.parametrize(
    ("value", "better", "target", "is_met"),
    [
        (0.9, "higher", 0.9, True),
        (0.89, "higher", 0.9, False),
        (6.0, "lower", 6.0, True),
        (6.1, "lower", 6.0, False),
        (0.89, "between", (0.9, 1.1), False),
        (1.1, "between", (0.9, 1.1), True),
        (1.2, "between", (0.9, 1.1), False),
        (5.0, "higher", None, None),
    ],
)
def test_a_target_is_a_bound_or_a_range(value, better, target, is_met):
    assert measure(value, better, target).is_met is is_met


def test_measures_survive_the_file(tmp_path):
    written = {"recon.a": measure(1.0, "between", (0.9, 1.1)), "recon.b": measure(2.0)}
    write_measures(tmp_path / "recon.json", written, "make evaluate ONLY=recon")
    read = read_measures(tmp_path / "recon.json")
    assert {key: command for key, (_, command) in read.items()} == dict.fromkeys(
        written, "make evaluate ONLY=recon"
    )
    assert read["recon.a"][0].is_met is True
    assert read["recon.b"][0].value == 2.0


def test_accuracy_replaces_what_was_measured_and_keeps_the_rest(tmp_path):
    write_measures(
        tmp_path / "quant.json", {"quant.recall": measure(0.9, "higher", 0.97)}, "make evaluate ONLY=quant"
    )
    write_measures(tmp_path / "recon.json", {"recon.a": measure(1.0)}, "make evaluate ONLY=recon")
    docs = tmp_path / "docs"
    docs.mkdir()
    accuracy.run(measured=[tmp_path / "quant.json", tmp_path / "recon.json"], docs=docs)
    write_measures(tmp_path / "recon.json", {"recon.a": measure(3.0)}, "make evaluate ONLY=recon")
    accuracy.run(measured=[tmp_path / "recon.json"], docs=docs)
    entries = json.loads((docs / "accuracy.json").read_text())
    assert {key: entry["value"] for key, entry in entries.items()} == {"quant.recall": 0.9, "recon.a": 3.0}
    page = (docs / "accuracy.md").read_text()
    assert "| `quant.recall` | 0.9 nm | >= 0.97 | **no** |" in page
    assert "| `recon.a` | 3 nm |" in page


def test_pages_and_figures_are_copied_beside_the_tables(tmp_path):
    figure, docs = tmp_path / "measured" / "calibration.png", tmp_path / "docs"
    page = tmp_path / "measured" / "quantification.md"
    figure.parent.mkdir()
    figure.write_bytes(b"a picture")
    page.write_text("a page")
    write_measures(tmp_path / "quant.json", {"quant.a": measure(1.0)}, "make evaluate ONLY=quant")
    accuracy.run(measured=[tmp_path / "quant.json"], docs=docs, beside=[figure, page])
    assert (docs / "calibration.png").read_bytes() == b"a picture"
    assert (docs / "quantification.md").read_text() == "a page"
    assert {path.name for path in docs.iterdir()} == {
        *("accuracy.json", "accuracy.md"),
        *("calibration.png", "quantification.md"),
    }
