"""Parts of an evaluation that was killed are used again, if of the same code and settings, and whole."""

import numpy as np
import pandas as pd
import pytest

from lensfree.stages.score_measures import OfSeed
from lensfree.stages.score_parts import Parts


class Counted:
    """A measurement that counts how often it was made."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        kinds = pd.DataFrame({"kind": ["loss", "death"], "n": [3, 4], "auc": [0.1 + 0.2, np.nan]})
        return OfSeed({"cell_auc": 1 / 3, "precision": np.nan}, kinds, 60, 7)


def test_what_was_measured_is_not_measured_again(tmp_path):
    measure, parts = Counted(), Parts(tmp_path / "score.work", "this code")
    first = parts.of(71011, "knn", measure)
    again = Parts(tmp_path / "score.work", "this code").of(71011, "knn", measure)
    assert measure.times == 1
    np.testing.assert_equal(again.values, first.values)
    pd.testing.assert_frame_equal(again.kinds, first.kinds, check_exact=True)
    assert (again.n_series, again.n_abnormal) == (60, 7)


@pytest.mark.parametrize(("seed", "method"), [(71012, "knn"), (71011, "ridge")])
def test_other_seeds_and_methods_are_parts_of_their_own(tmp_path, seed, method):
    measure, parts = Counted(), Parts(tmp_path, "this code")
    parts.of(71011, "knn", measure)
    parts.of(seed, method, measure)
    assert measure.times == 2


def test_a_part_of_other_code_or_settings_is_measured_again_and_replaced(tmp_path):
    measure = Counted()
    Parts(tmp_path, "other code").of(71011, "knn", measure)
    for _ in range(2):
        Parts(tmp_path, "this code").of(71011, "knn", measure)
    assert measure.times == 2


@pytest.mark.parametrize("text", ["", '{"owner": "this code", "val', '{"owner": "this code"}', "[]", "7"])
def test_a_damaged_part_is_measured_again(tmp_path, text):
    measure = Counted()
    (tmp_path / "71011_knn.json").write_text(text, encoding="utf-8")
    Parts(tmp_path, "this code").of(71011, "knn", measure)
    Parts(tmp_path, "this code").of(71011, "knn", measure)
    assert measure.times == 1
