"""Tables of docs/decisions/0008-step-rules.md and docs/optimisers.png out of docs/optimisers.json.

Usage: python benchmarks/optimisers_page.py, after optimisers.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, ScalarFormatter

from lensfree.io.files import written_whole
from lensfree.report import style

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "decisions" / "0008-step-rules.md"
BEGIN, END = "<!-- begin: benchmarks/optimisers_page.py -->", "<!-- end -->"
LOOKED_AT = {"from nothing": 150, "after the CNN": 20}
"""The budget nearest to what the package spends, in evaluations: its dry masses are tabled."""

COLOURS = (style.SKY, style.BLUE, style.ORANGE, style.RED, style.GREEN, style.INK)
MISFIT_SCALE = 1e4
AS_SHIPPED = ", as shipped"


def spelled(knobs: dict[str, Any]) -> str:
    """Return knobs as a reader's words; a switch is named only where it is on."""
    words = [
        name.removeprefix("is_").replace("_", " ") + ("" if value is True else f" {value:g}")
        for name, value in knobs.items()
        if value is not False
    ]
    return ", ".join(words) or "-"


def tables(found: dict[str, Any]) -> str:
    """Return the tables of both situations in Markdown; the rule that ships is bold."""
    parts = []
    for situation, ships in found["shipped"].items():
        rows = [r for r in found["rows"] if r["situation"] == situation]
        budgets = sorted({(r["evaluations"], r["ffts"]) for r in rows if r["ffts"]})
        rules = list(dict.fromkeys(r["rule"] for r in rows if r["ffts"]))
        start = next(r for r in rows if not r["ffts"])
        by_rule = {(r["rule"], r["evaluations"]): r for r in rows}
        bold = next((rule for rule in rules if rule.endswith(AS_SHIPPED)), ships)
        names = {rule: f"**{rule}**" if rule == bold else rule for rule in rules}
        heads = " | ".join(f"{ffts} FFTs" for _, ffts in budgets)
        parts.append(f"### {situation[0].upper()}{situation[1:]}: flat cells RMSE [nm] / misfit [1e-4]\n")
        parts += [f"| rule | {heads} |", "|---" * (1 + len(budgets)) + "|"]
        parts.append(f"| start | {_error(start)} |" + " |" * (len(budgets) - 1))
        parts += [
            f"| {names[rule]} | " + " | ".join(_error(by_rule[rule, n]) for n, _ in budgets) + " |"
            for rule in rules
        ]
        looked_at = LOOKED_AT[situation]
        ffts = dict(budgets)[looked_at]
        parts.append(f"\nAfter {ffts} FFTs:\n")
        parts.append("| rule | knobs | slope of dry mass | its R2 | background | rounded cells | objective |")
        parts.append("|---" * 7 + "|")
        for rule in rules:
            r = by_rule[rule, looked_at]
            measures = (
                spelled(r["knobs"]),
                f"{r['flat_mass_slope']:.3f}",
                f"{r['flat_mass_r2']:.3f}",
                f"{r['background_rmse_nm']:.2f} nm",
                f"{r['round_rmse_nm']:.1f} nm",
                f"{r['objective']:.1f}",
            )
            parts.append(f"| {names[rule]} | {' | '.join(measures)} |")
        parts.append("")
    return "\n".join(parts)


def _error(row: dict[str, Any]) -> str:
    return f"{row['flat_rmse_nm']:.2f} / {row['misfit'] * MISFIT_SCALE:.2f}"


def draw(found: dict[str, Any]) -> Figure:
    """Draw OPD error and misfit against the number of FFTs, a column per situation; dashed what ships."""
    situations = list(found["shipped"])
    bases = list(dict.fromkeys(r["rule"].removesuffix(AS_SHIPPED) for r in found["rows"] if r["ffts"]))
    colour_of = dict(zip(bases, COLOURS, strict=False))
    with style.look():
        figure = style.new_figure(9.0, 5.6)
        grid = figure.subplots(2, len(situations), sharex=True, squeeze=False)
        handles: dict[str, Any] = {}
        for column, situation in enumerate(situations):
            rows = [r for r in found["rows"] if r["situation"] == situation and r["ffts"]]
            for rule in dict.fromkeys(r["rule"] for r in rows):
                some = [r for r in rows if r["rule"] == rule]
                look = {"color": colour_of[rule.removesuffix(AS_SHIPPED)], "marker": "o", "ms": 3}
                if rule.endswith(AS_SHIPPED):
                    look |= {"ls": "--", "lw": 2.2}
                ffts = [r["ffts"] for r in some]
                (handles[rule],) = grid[0, column].plot(ffts, [r["flat_rmse_nm"] for r in some], **look)
                grid[1, column].plot(ffts, [r["misfit"] * MISFIT_SCALE for r in some], **look)
            grid[0, column].set_title(f"{situation} (synthetic fields)")
            grid[1, column].set_xlabel("complex FFTs of full size [1]")
            for axes, label in zip(
                grid[:, column], ("RMSE of flat cells [nm]", "misfit [1e-4]"), strict=True
            ):
                axes.set_xscale("log")
                axes.set_yscale("log")
                axes.set_ylabel(label if column == 0 else "")
                axes.set_xticks(ffts, [str(n) for n in ffts])
                axes.xaxis.set_minor_locator(NullLocator())
                axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 6)))
                axes.yaxis.set_major_formatter(ScalarFormatter())
                axes.yaxis.set_minor_locator(NullLocator())
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3)
    return figure


def with_tables(page: str, text: str) -> str:
    """Return the page with its tables replaced.

    Raises:
        ValueError: the page lacks the two marks.
    """
    if BEGIN not in page or END not in page.split(BEGIN, 1)[1]:
        raise ValueError(f"got a page without marks, expected a line {BEGIN!r} and after it a line {END!r}")
    head, rest = page.split(BEGIN, 1)
    return f"{head}{BEGIN}\n{text}{END}{rest.split(END, 1)[1]}"


if __name__ == "__main__":
    found = json.loads((DOCS / "optimisers.json").read_text(encoding="utf-8"))
    page = with_tables(PAGE.read_text(encoding="utf-8"), tables(found))
    with written_whole(PAGE) as partial:
        partial.write_text(page, encoding="utf-8")
    with written_whole(DOCS / "optimisers.png") as partial:
        partial.write_bytes(style.to_png(draw(found)))
