"""Every link of a page leads somewhere, and the index of the pages leads to every page."""

import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

ROOT = Path(__file__).parents[1]
LEFT_OUT = {"results", "logs", "site-packages"}
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")


def pages() -> list[Path]:
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in LEFT_OUT]
        found += [Path(folder) / name for name in files if name.endswith(".md")]
    return sorted(found)


def links_of(text: str) -> list[str]:
    """Return the targets of all links that are not code."""
    return LINK.findall(CODE.sub("", FENCE.sub("", text)))


def anchors_of(text: str) -> set[str]:
    """Return the names under which a reader's browser finds the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(page: Path) -> list[str]:
    dead = []
    for link in links_of(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = page.parent / path if path else page
        is_there = target.exists() and not path.startswith("/")
        if is_there and anchor:
            is_there = anchor in anchors_of(target.read_text(encoding="utf-8"))
        if not is_there:
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_link_is_dead(page):
    assert dead_links(page) == []


def test_dead_links_are_found(tmp_path):
    page = tmp_path / "page.md"
    (tmp_path / "other.md").write_text("# A title, with `code`\n")
    page.write_text(
        "[a](other.md) [b](none.md) ![c](none.png) [d](other.md#a-title-with-code) [e](other.md#none)\n"
        "[f](https://example.org/none) `[g](code.md)` [![h](none2.png)](other.md) [i](/etc)\n"
        "```\n[j](fenced.md)\n```\n"
    )
    assert dead_links(page) == ["none.md", "none.png", "other.md#none", "none2.png", "/etc"]


def test_the_index_leads_to_every_page_of_the_docs():
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in links_of(index.read_text())}
    decisions = ROOT / "docs" / "decisions"
    missing = {
        page.relative_to(ROOT).as_posix()
        for page in pages()
        if page.is_relative_to(ROOT / "docs")
        and page not in (index, *decisions.glob("0*.md"))
        and page.resolve() not in linked
    }
    assert missing == set()


def test_the_list_of_decisions_has_all_of_them_in_order():
    folder = ROOT / "docs" / "decisions"
    linked = links_of((folder / "README.md").read_text(encoding="utf-8"))
    assert linked == sorted(path.name for path in folder.glob("0*.md"))


def test_the_front_page_fits_its_purpose():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    order = ["## Two commands", "## Your own acquisition", "## Where results are"]
    lines = text.splitlines()
    places = [lines.index(heading) for heading in order]
    assert places == sorted(places)
    assert places[-1] < 60
    assert "docs/README.md" in links_of(text) and "docs/tutorial.md" in links_of(text)


def test_the_entry_for_the_workflow_catalogue_is_what_the_project_has():
    entry = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))["usage"]
    assert set(entry) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert set(entry["mandatory-flags"]) == {"desc", "flags"}
    rules = [p.read_text(encoding="utf-8") for p in (ROOT / "workflow" / "rules").glob("*.smk")]
    assert entry["software-stack-deployment"]["conda"] is any("conda:" in rule for rule in rules)
    assert not any("container:" in rule for rule in rules)
    assert not entry["software-stack-deployment"]["apptainer"]
    assert (
        entry["report"]
        is entry["software-stack-deployment"]["report"]
        is any("report(" in rule for rule in rules)
    )
