"""What is written down twice says the same: configuration, schemas, environments."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from lensfree.acquisitions import Acquisition
from lensfree.anomaly.verdicts import COLUMNS
from lensfree.config import Config
from lensfree.contracts import TABLES
from lensfree.contracts_report import FIGURE_TABLES, FLAGS
from lensfree.generate import config_yaml, reference, schemas, write_all
from lensfree.reference_pages import allowed, where
from lensfree.reference_words import STACKS, WHERE

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"pytorch": "torch", "pytorch-gpu": "torch"}
ONLY_IN_CONDA = {"python", "cupy"}
REQUIREMENT = re.compile(r"([A-Za-z0-9_.-]+)\s*(.*)")
REGENERATE = "run `make config`"


def test_config_yaml_is_the_generated_one():
    assert (ROOT / "config.yaml").read_text(encoding="utf-8") == config_yaml(), REGENERATE


def test_config_yaml_holds_every_default():
    read = yaml.safe_load(config_yaml())
    assert read == json.loads(Config().model_dump_json())
    assert Config.model_validate(read) == Config()


def test_every_setting_has_a_description():
    def without(model, path=""):
        for name, field in model.model_fields.items():
            default = field.get_default(call_default_factory=True)
            if isinstance(default, BaseModel):
                yield from without(type(default), f"{path}{name}.")
            elif not field.description:
                yield f"{path}{name}"

    assert list(without(Config)) == []


@pytest.mark.parametrize("name", schemas())
def test_schemas_are_the_generated_ones(name):
    text = (ROOT / "workflow" / "schemas" / name).read_text(encoding="utf-8")
    assert text == schemas()[name], REGENERATE
    assert yaml.safe_load(text)["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize("name", reference())
def test_reference_pages_are_the_generated_ones(name):
    text = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert text == reference()[name], REGENERATE


def rows_of(page: str, heading: str) -> set[str]:
    """Return the first cells of the tables under a heading of a reference page."""
    (part,) = [
        p for p in re.split(r"^#+ ", page, flags=re.MULTILINE) if p.split("\n")[0].strip("`") == heading
    ]
    return set(re.findall(r"^\| `(\w+)` \|", part, flags=re.MULTILINE))


def test_the_reference_has_every_setting_under_its_section():
    page = reference()["configuration.md"]
    for name, section in Config():
        if isinstance(section, BaseModel):
            assert rows_of(page, name) == set(type(section).model_fields)
        else:
            assert name in rows_of(page, "Of the whole run")


def test_the_reference_has_every_column_and_dataset_once():
    page = reference()["files.md"]
    for contract in (*TABLES.values(), *FIGURE_TABLES.values()):
        optional = set(contract.optional)
        assert rows_of(page, where(contract)[0]) == set(contract.columns) | optional, contract.name
    for contract in STACKS:
        assert rows_of(page, where(contract)[0]) == {*contract.datasets, *contract.attributes}, contract.name
    paths = [where(contract)[0] for contract in (*TABLES.values(), *FIGURE_TABLES.values(), *STACKS)]
    assert len(set(paths)) == len(paths)


def test_the_reference_names_files_that_rules_write_and_the_columns_of_verdicts():
    rules = "".join(
        p.read_text(encoding="utf-8") for p in sorted((ROOT / "workflow" / "rules").glob("*.smk"))
    )
    for path, stage in WHERE.values():
        assert f"<results>/{path}" in rules, path
        assert f"rule {stage.split(',')[0]}:" in rules
    assert tuple(FLAGS.columns) == COLUMNS


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.1}, "number > 0 <= 0.1"),
        ({"enum": ["auto", "off"], "type": "string"}, "`auto`, `off`"),
        ({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "auto"}]}, "whole number >= 1 or `auto`"),
        (
            {"type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [{"type": "number"}] * 2},
            "2 of: number",
        ),
        ({"type": "array", "items": {"enum": ["opd"]}}, "list of: `opd`"),
    ],
)
def test_what_is_allowed_is_said_in_words(schema, words):
    assert allowed(schema) == words


def test_writing_again_changes_nothing(tmp_path):
    write_all(tmp_path)
    assert (tmp_path / "config.yaml").read_text(encoding="utf-8") == config_yaml()
    assert {p.name for p in (tmp_path / "workflow" / "schemas").iterdir()} == set(schemas())
    assert {p.name for p in (tmp_path / "docs" / "reference").iterdir()} == set(reference())


def requirements() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return dict(REQUIREMENT.fullmatch(line).groups() for line in project["dependencies"])


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_conda_environments_ask_for_the_same_versions(name):
    environment = yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text(encoding="utf-8"))
    listed = dict(REQUIREMENT.fullmatch(line).groups() for line in environment["dependencies"])
    same = {CONDA_NAMES.get(package, package): version for package, version in listed.items()}
    assert {k: v for k, v in same.items() if k not in ONLY_IN_CONDA} == requirements()


def test_the_gpu_environment_differs_by_the_gpu_only():
    cpu, gpu = (
        set(yaml.safe_load((ROOT / "envs" / f"{name}.yaml").read_text(encoding="utf-8"))["dependencies"])
        for name in ("cpu", "gpu")
    )
    assert {re.split("[<>=]", line)[0] for line in cpu ^ gpu} == {"cupy", "pytorch", "pytorch-gpu"}


def words() -> list[str]:
    return sorted(
        path.stem
        for path in (ROOT / "workflow" / "rules").glob("*.smk")
        if path.stem not in ("common", "resources", "inputs", "page_inputs", "learning_inputs")
    )


@pytest.mark.parametrize("word", words())
def test_a_word_names_its_rule_script_and_stage(word):
    rule = (ROOT / "workflow" / "rules" / f"{word}.smk").read_text(encoding="utf-8")
    assert f"\nrule {word}:" in f"\n{rule}"
    assert f'"../../scripts/{word}.py"' in rule
    assert (ROOT / "scripts" / f"{word}.py").is_file()
    stages = ROOT / "src" / "lensfree" / "stages"
    assert list(stages.glob(f"{word}.py")) or list(stages.glob(f"{word}_*.py"))


@pytest.mark.parametrize("word", words())
def test_every_rule_is_complete(word):
    rule = (ROOT / "workflow" / "rules" / f"{word}.smk").read_text(encoding="utf-8")
    for directive in ("output:", "params:", "log:", "benchmark:", "resources:", "conda:", "script:"):
        assert f"    {directive}" in rule, directive
    assert "code=code(" in rule or "code=lambda wildcards: digest_of(" in rule
    (log,) = re.findall(r'log:\s*"(\S+)\.log"', rule)
    (benchmark,) = re.findall(r'benchmark:\s*"(\S+)\.tsv"', rule)
    assert log == benchmark
    assert log.startswith(f"<logs>/{word}/")
    script = (ROOT / "scripts" / f"{word}.py").read_text(encoding="utf-8")
    assert re.search(r"with job_log\(snakemake\)(, raw_record\(snakemake\))?:", script)


def test_the_workflow_files_are_short():
    assert len((ROOT / "Snakefile").read_text(encoding="utf-8").splitlines()) < 50
    for path in (ROOT / "workflow" / "rules").glob("*.smk"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < 150, path.name


def test_the_default_profile_does_not_rerun_for_a_touched_script():
    profile = yaml.safe_load((ROOT / "profiles" / "default" / "profile.yaml").read_text(encoding="utf-8"))
    assert set(profile["rerun-triggers"]) == {"mtime", "params", "input", "software-env"}
    assert profile["rerun-incomplete"] is True


def left_out() -> dict[str, tuple[str, ...]]:
    found = {}
    for word in words():
        rule = (ROOT / "workflow" / "rules" / f"{word}.smk").read_text(encoding="utf-8")
        match = re.search(r"acquisition=acquisition\((.*)\)", rule)
        if match:
            found[word] = tuple(re.findall(r'"(\w+)"', match[1]))
    return found


@pytest.mark.parametrize("word", left_out())
def test_what_a_rule_hands_on_of_an_acquisition_is_still_one(word):
    acquisition = Acquisition(
        acquisition="a",
        kind="opd" if word == "ingest" else "hologram",
        files="f{frame}_{channel}.tif",
        wavelength_nm="640,450" if word != "ingest" else "640",
        z_um="900",
        pixel_pitch_um=1.67,
        frame_interval_min=10,
        overrides={"optics": {"n_medium": 1.33}},
    )
    handed = Acquisition.model_validate(acquisition.as_params(*left_out()[word]))
    assert handed.channels == acquisition.channels
    assert "dataset" not in acquisition.as_params()
