"""The benchmark of planning at toy size: it plans what it says, and what is pretended done is done."""

import graph
import pytest

pytestmark = pytest.mark.workflow


def test_acquisitions_are_planned_done_and_chosen(tmp_path):
    graph.prepare(tmp_path, 11, 3)
    text = graph.run(tmp_path, "--quiet", "host", "--dry-run", "--config", "only=well001_*")
    assert "results/well001_0/raw/0000.json" in text and "well000" not in text
    graph.pretend_done(tmp_path)
    assert "Nothing to be done" in graph.run(tmp_path, "--dry-run")
    with pytest.raises(RuntimeError, match="unknown acquisition 'well'"):
        graph.cost(tmp_path, "--dry-run", "--config", "only=well")
    assert graph.cost(tmp_path, "--version") > 0.1
