import numpy as np
import pytest

from lensfree.config import QuantifyConfig
from lensfree.contracts import CELLS
from lensfree.io.stacks import create_opd
from lensfree.io.tables import read_provenance, read_table
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec
from lensfree.nets.weights import save_cnn
from lensfree.stages import quantify
from lensfree.stages.quantify import run

SHAPE_YX = (72, 110)
PITCH_UM = 1.67
REFERENCE = QuantifyConfig(method="reference", device="cpu")


def dome_nm(y_um, x_um, height_nm, radius_um=12.0):
    y, x = np.indices(SHAPE_YX) * PITCH_UM
    return height_nm * np.maximum(1 - ((y - y_um) ** 2 + (x - x_um) ** 2) / radius_um**2, 0)


def write_stack(path, frames, first_frame=24):
    """Each frame a list of (y_um, x_um, height_nm), or None if missing."""
    with create_opd(
        path, n_frames=len(frames), first_frame=first_frame, shape_yx=SHAPE_YX, pixel_pitch_um=PITCH_UM
    ) as sink:
        for index, domes in enumerate(frames):
            opd_nm = None if domes is None else sum((dome_nm(*d) for d in domes), np.zeros(SHAPE_YX))
            sink.write(index, time_h=4.0 + index / 6, opd_nm=opd_nm)


def test_each_frame_has_its_cells_at_its_time(tmp_path):
    opd, out = tmp_path / "opd.h5", tmp_path / "cells.parquet"
    write_stack(opd, [[(50.0, 60.0, 150.0)], None, [], [(50.0, 62.0, 300.0), (80.0, 130.0, 150.0)]])
    run(opd=opd, out=out, config=REFERENCE, weights=None, provenance={"rule": "quantify"})
    cells = read_table(out, CELLS)
    assert cells.frame.tolist() == [24, 27, 27]
    np.testing.assert_allclose(cells.time_h, [4.0, 4.5, 4.5])
    np.testing.assert_allclose(cells.y_um, [50.0, 50.0, 80.0], atol=0.5)
    np.testing.assert_allclose(cells.x_um, [60.0, 62.0, 130.0], atol=0.5)
    expected_pg = np.pi / 2 * 12.0**2 * np.array([150, 300, 150]) / 1000 / 0.18
    np.testing.assert_allclose(cells.dry_mass_pg, expected_pg, rtol=0.02)
    assert set(cells.model) == {"reference"}
    assert read_provenance(out) == {"rule": "quantify", "model": "reference"}


@pytest.mark.parametrize("frames", [[None, None], [[], []]])
def test_a_chunk_without_cells_gives_an_empty_table_under_its_contract(tmp_path, frames):
    opd, out = tmp_path / "opd.h5", tmp_path / "cells.parquet"
    write_stack(opd, frames)
    run(opd=opd, out=out, config=REFERENCE, weights=None, provenance={})
    cells = read_table(out, CELLS)
    assert len(cells) == 0 and list(cells.columns) == list(CELLS.columns)


def test_cells_come_from_the_representation_of_each_frame(tmp_path, monkeypatch):
    """A representation that is known replaces the network: maps to rows, in order, with its name."""
    opd, out, weights = tmp_path / "opd.h5", tmp_path / "cells.parquet", tmp_path / "m.safetensors"
    write_stack(opd, [[(50.0, 60.0, 150.0)], [(50.0, 62.0, 300.0)]])
    save_cnn(PlainCnn(PlainCnnSpec(1, 4, 2, 4)), weights, card={"name": "known", "version": "7"})
    seen = []

    def represent(opd_nm, pixel_pitch_um):
        seen.append((float(opd_nm.max()), pixel_pitch_um))
        maps = np.zeros((4, *SHAPE_YX), np.float32)
        y, x = np.indices(SHAPE_YX) * PITCH_UM
        maps[:, (y - 50.0) ** 2 + (x - 60.0 - len(seen)) ** 2 <= 25] = 0.5 * len(seen)
        return maps

    monkeypatch.setattr(quantify, "load_represent", lambda path, device: represent)
    run(opd=opd, out=out, config=QuantifyConfig(device="cpu"), weights=weights, provenance={})
    cells = read_table(out, CELLS)
    np.testing.assert_allclose(np.array(seen), [(150.0, PITCH_UM), (300.0, PITCH_UM)], rtol=0.02)
    assert cells.frame.tolist() == [24, 25]
    np.testing.assert_allclose(cells.dry_mass_pg, [100.0, 200.0], rtol=1e-6)
    np.testing.assert_allclose(cells.x_um, [61.0, 62.0], atol=0.5)
    assert set(cells.model) == {"known 7"}


def test_an_untrained_network_runs_from_file_to_table(tmp_path):
    """The real path: weights, torch, maxima; an untrained network answers zero, so no cells."""
    opd, out, weights = tmp_path / "opd.h5", tmp_path / "cells.parquet", tmp_path / "m.safetensors"
    write_stack(opd, [[(50.0, 60.0, 150.0)]])
    network = PlainCnn(PlainCnnSpec(1, 4, 3, 4))
    for parameter in network.body[-1].parameters():
        parameter.data.zero_()
    save_cnn(network, weights, card={"pixel_pitch_um": str(PITCH_UM)})
    run(opd=opd, out=out, config=QuantifyConfig(device="cpu"), weights=weights, provenance={})
    assert len(read_table(out, CELLS)) == 0


def test_cnn_without_weights_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match="no weights were given, expected a model; name one in quantify.model"
    ):
        run(
            opd=tmp_path / "opd.h5",
            out=tmp_path / "cells.parquet",
            config=QuantifyConfig(),
            weights=None,
            provenance={},
        )
    assert not (tmp_path / "cells.parquet").exists()
