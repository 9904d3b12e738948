"""Pages of the experiments: what StArDusTS published (Bailly et al. 2024) beside what was found here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lensfree.anomaly.verdicts import ACQUISITION, BIOLOGICAL, BOTH, FALSE_POSITIVE

Row = Sequence[str]
NOT_GIVEN = ""

TABLE_1 = {
    "HeLa A": ("6700", "5520 / 621 / 559", "440,930 / 60,179 / 58,032", "104"),
    "HeLa B": ("7283", "5859 / 706 / 718", "665,280 / 86,363 / 83,275", "198"),
}
TABLE_2 = (
    ("acquisition", ACQUISITION, "49 % (51)", "31.1 % (32)"),
    ("biological", BIOLOGICAL, "36.5 % (38)", "38.8 % (40)"),
    ("both", BOTH, "2.9 % (3)", "3.9 % (4)"),
    ("one or the other", "", "7.7 % (8)", "9.7 % (10)"),
    ("false positive", FALSE_POSITIVE, "3.8 % (4)", "16.5 % (17)"),
)
TABLE_3 = (
    ("abnormal division", ("no_division", "abnormal_division"), "8 % (3)", "15 % (6)"),
    ("abnormal growth", ("slow_growth", "fast_growth", "dry_mass_loss"), "50 % (19)", "40 % (16)"),
    ("merging cells", ("merge",), "26 % (10)", "5 % (2)"),
    ("too big cells", ("giant",), "5 % (2)", "20 % (8)"),
    ("dead cells", ("death",), "8 % (3)", "20 % (8)"),
)
HEADS = {
    "one": """# Experiment 1: train and test on one data set

Both methods learn from the data set '{0}' and judge all its cells (histories of at least one window). The
split is by lineage; the published method takes weights and threshold from the training part and chooses the
epoch on the validation part, `stardusts_plus` learns from both; the test part trains neither.""",
    "two": """# Experiment 2: train on one data set, apply to another

Cells of the data set '{1}' that are raised by the models of '{0}' (on the scale of '{1}', unless
score.shipped_normalisation says otherwise) and by its own models. Published: HeLa cells, A to B.""",
    "three": """# Experiment 3: normal against altered cells

The models of the data set '{0}' judge its test part, which no training saw, and the data set '{1}'. As in
the paper all cells of the former count as normal and all of the latter as abnormal, which neither need be:
AUC and recall measure how far the populations differ as much as the methods. Windows of a mother count once
per daughter. Cells of `stardusts` are ranked by their mean MSE, and raised when their score exceeds
score.flag_above. Published: wild type and Per1-3 knock-out fibroblasts, windows, recall at tau_w.""",
}


def page_of(found: Mapping[str, Any]) -> str:
    """Return the page of an experiment as Markdown.

    Args:
        found: what stage experiment writes as JSON.
    """
    experiment = found["experiment"]
    head = HEADS[experiment].format(*found["data_sets"])
    short = (
        f"{found['n_short']} histories are shorter than a window and were not judged. Seed {found['seed']}."
    )
    tables = {"one": _one, "two": _two, "three": _three}[experiment](found)
    return "\n\n".join([head, short, *tables]) + "\n"


def table(header: Row, rows: Sequence[Row]) -> str:
    """Return a table as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _one(found: Mapping[str, Any]) -> list[str]:
    parts = found["split"].values()
    ours = [
        str(found["n_series"]),
        " / ".join(str(part["series"]) for part in parts),
        " / ".join(f"{part['windows']:,}" for part in parts),
    ]
    rows = [[f"published, {name}", *figures] for name, figures in TABLE_1.items()]
    rows += [[f"`{name}`", *ours, str(each["raised"])] for name, each in found["methods"].items()]
    header = ("", "cells", "training / validation / test", "windows", "raised")
    return [table(header, rows), *_verdicts(found["verdicts"])]


def _verdicts(verdicts: Mapping[str, Any] | None) -> list[str]:
    if verdicts is None:
        return [
            "No table of verdicts is given (`experiment.annotations`), so there is no precision: fill in "
            "copies of the tables flags.csv of the reports. Published: 96.2 % (A), 83.5 % (B)."
        ]
    counts = verdicts["counts"]
    n_seen = sum(counts[word] for _, word, *_ in TABLE_2 if word)
    rows = [[name, *published, _of(counts.get(word), n_seen)] for name, word, *published in TABLE_2]
    precision = verdicts["precision"]
    rows.append(
        ["**precision**", "96.2 %", "83.5 %", NOT_GIVEN if precision is None else _percent(precision)]
    )
    kinds = dict(verdicts["kinds"])
    n_kinds = sum(kinds.values())
    classes = [
        [name, *published, _of(sum(kinds.pop(kind, 0) for kind in members), n_kinds)]
        for name, members, *published in TABLE_3
    ]
    classes.append(["others", "3 % (1)", "0 % (0)", _of(sum(kinds.values()), n_kinds)])
    header = ("published, A", "published, B", "here")
    return [
        f"Verdicts of a person on flagged cells, from {', '.join(verdicts['files'])}; "
        f"{counts['not looked at']} flagged cells have none and do not count.",
        table(("verdict", *header), rows),
        "What the biological ones are; published: by a person, here: the kind that the software told.",
        table(("biological", *header), classes),
    ]


def _two(found: Mapping[str, Any]) -> list[str]:
    header = ("", "cells", "raised by own model", "raised by the other's", "by both", "share of own")
    rows = [["published, A to B", "7283", "198", "939", "152", "76 %"]]
    for name, each in found["methods"].items():
        share = each["share_of_own"]
        counts = [str(each[f"raised_by_{who}"]) for who in ("own", "other", "both")]
        said = NOT_GIVEN if share is None else _percent(share)
        rows.append([f"`{name}`", str(found["n_series"]), *counts, said])
    return [table(header, rows)]


def _three(found: Mapping[str, Any]) -> list[str]:
    header = ("", "level", "normal", "altered", "AUC", "raised of altered (recall)", "raised of normal")
    rows = [["published, C and D", "windows", "16,172", "26,688", NOT_GIVEN, "0.68", NOT_GIVEN]]
    for name, levels in found["methods"].items():
        for level, each in levels.items():
            counts = [f"{each['n_normal']:,}", f"{each['n_altered']:,}"]
            figures = [f"{each[key]:.3f}" for key in ("auc", "recall", "false_positive_share")]
            rows.append([f"`{name}`", level, *counts, *figures])
    return [table(header, rows), "![ROC of windows and of cells](three.png)"]


def _of(part: int | None, whole: int) -> str:
    if part is None or not whole:
        return NOT_GIVEN
    return f"{_percent(part / whole)} ({part})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
