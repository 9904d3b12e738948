"""The commands that the pages for people show, and what the tests do with each."""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ("docs/tutorial.md", *sorted(f"docs/howto/{p.name}" for p in (ROOT / "docs/howto").glob("*.md")))
PAGES = (*PAGES, "README.md")
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)

LAB = "snakemake --cores all --configfile mydata/lab.yaml"
# What is not run, by its exact text, and why.
NOT_RUN = {
    "make demo": "computes for long on five acquisitions",
    "make test": "these tests are part of it",
    "make train": "hours of training",
    "make transfer": "training; tests/workflow/test_transfer_rule.py trains at toy size",
    "make calibrate": "hours, and it replaces a file of models/",
    "make evaluate": "hours",
    "make experiment": "training; tests/workflow/test_experiment_rule.py trains at toy size",
    "python scripts/verdict.py results/models/quantify_own.verdict.json": "needs the training before it",
    "pip install -c constraints.txt -e '.[cuda13]'": "needs a GPU and the network",
    "pip install -c constraints.txt -e '.[cuda12]'": "needs a GPU and the network",
    "pip install -c constraints.txt -e '.[slurm]'": "needs the network",
    "pip install -c constraints.txt -e '.[view]'": "needs the network",
    "lensfree view plate1_A1": "opens a window; tests/view has no screen",
    "sinfo -s": "needs Slurm; tests/workflow/test_slurm.py brings one up",
    "snakemake --workflow-profile profiles/slurm --configfile mydata/lab.yaml": "needs Slurm, likewise",
}
# What is planned with -n and not run, and why.
PLANNED = {
    "snakemake --cores all results/plate1_A1/cells/0000.parquet --configfile mydata/lab.yaml": "step 4",
    "snakemake --cores all": "the acquisitions of `make demo`",
    "snakemake --cores all --until quantify": "the acquisitions of `make demo`",
    f"{LAB} --until quantify": "step 4 has run these stages",
    f"{LAB} --config only=plate1_B1": "a second well",
    f"{LAB} --config only=plate1_A1 --until reconstruct": "step 4",
    f"{LAB} --config only='plate1_*' --until series": "likewise",
    f"{LAB} mydata/retrain.yaml --until reconstruct": "like step 4",
    f"{LAB} mydata/retrain.yaml -- results/models/quantify_own.verdict.json": "training",
    "snakemake --cores all --configfile mydata/import.yaml": "other tests run OPD to the report",
    "snakemake --workflow-profile profiles/generic --configfile mydata/lab.yaml": "test_profiles.py runs it",
}
# What does not end by itself, and what it must have said by then.
ENDLESS = {"make watch": "0 running"}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    language: str
    text: str
    before: str

    @property
    def commands(self) -> list[str]:
        """The lines of a shell block without comments; any other block whole."""
        if self.language != "sh":
            return [self.text]
        lines = [re.sub(r"\s+# .*$", "", line).strip() for line in self.text.splitlines()]
        return [line for line in lines if line and not line.startswith("#")]


def blocks_of(page: str, root: Path = ROOT) -> list[Block]:
    """Return the fenced blocks of a page in order, with the line that stands above each."""
    text = (root / page).read_text(encoding="utf-8")
    return [
        Block(page, m["language"], textwrap.dedent(m["text"]), text[: m.start()].rstrip("\n").split("\n")[-1])
        for m in FENCE.finditer(text)
    ]


def all_blocks() -> list[Block]:
    return [block for page in PAGES for block in blocks_of(page)]
