"""Whatever file a run leaves says by what it was made: software, commit, configuration and inputs."""

import html
import json
import re
from xml.etree import ElementTree

import pytest
from PIL import Image

from lensfree.io.csv_metadata import OF_FOLDER, metadata_of, read_csv_provenance
from lensfree.io.exports.trackmate import PROVENANCE
from lensfree.io.stack_files import read_stack_provenance
from lensfree.io.tables import read_provenance
from lensfree.nets.weights import read_card

pytestmark = pytest.mark.workflow


def of_csv(path):
    beside = metadata_of(path)
    return read_csv_provenance(beside if beside.exists() else path.with_name(OF_FOLDER))


def of_page(path):
    found = re.search(r'<meta name="provenance" content="(.*?)">', path.read_text("utf-8"))
    return json.loads(html.unescape(found[1]))


def of_picture(path):
    with Image.open(path) as picture:
        return json.loads(picture.text["Description"])


def of_xml(path):
    last = ElementTree.parse(path).findtext("Log").splitlines()[-1]
    return json.loads(last.removeprefix(PROVENANCE))


def of_json(path):
    if path.parent.name == "raw":
        return json.loads(path.read_text("utf-8"))["_file"]["provenance"]
    return read_csv_provenance(path)


READERS = {
    ".parquet": read_provenance,
    ".h5": read_stack_provenance,
    ".csv": of_csv,
    ".html": of_page,
    ".png": of_picture,
    ".xml": of_xml,
    ".json": of_json,
    ".safetensors": lambda path: json.loads(read_card(path)["provenance"]),
}


def test_every_file_of_a_run_says_how_it_was_made(finished_movie):
    results = finished_movie.folder / "results"
    # Snakemake marks folders with a hidden file of its own.
    files = [p for p in sorted(results.rglob("*")) if p.is_file() and p.name != ".snakemake_timestamp"]
    assert {path.suffix for path in files} == set(READERS)
    for path in files:
        made = READERS[path.suffix](path)
        origin = made["origin"]
        assert origin["stage"] == made["rule"], path
        assert {"version", "commit"} < set(origin) and len(origin["config_sha256"]) == 64, path
        digests = origin["inputs_sha256"]
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests.values()), path
        # What is made of results names them; the imported movie itself is raw TIFF.
        assert digests or made["rule"] == "ingest", path


def test_the_columns_of_a_csv_file_are_described_beside_it(finished_movie):
    tracks = finished_movie.results("movie") / "export" / "tracks.csv"
    content = json.loads(metadata_of(tracks).read_text("utf-8"))
    header = tracks.read_text("utf-8").splitlines()[0].split(",")
    columns = {column["name"]: column for column in content["tableSchema"]["columns"]}
    assert content["url"] == "tracks.csv" and list(columns) == header
    assert columns["dry_mass_pg"]["schema:unitText"] == "pg"
    assert columns["dry_mass_pg"]["datatype"] == "double"
