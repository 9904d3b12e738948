from pathlib import Path

import numpy as np
import pytest

from lensfree.cells.integral import weigh_integrals
from lensfree.cells.standard_error import TERMS
from lensfree.config import QuantifyConfig, ReconstructConfig
from lensfree.contracts import CELLS
from lensfree.io.stacks import create_opd, open_opd
from lensfree.io.tables import read_provenance, read_table
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec
from lensfree.nets.weights import save_cnn
from lensfree.stages import quantify
from lensfree.stages.calibrations import Calibration, CalibrationError, sha256_of, write_calibrations
from lensfree.stages.measures import read_json, write_json
from lensfree.stages.quantify import run

SHAPE_YX = (72, 110)
PITCH_UM = 1.67
REFERENCE = QuantifyConfig(method="reference", device="cpu")
CNN = QuantifyConfig(device="cpu")
SHIPPED = Path(__file__).parents[2] / "models" / "quantify.safetensors"
METHODS = pytest.mark.parametrize(
    ("config", "weights"), [(REFERENCE, None), (CNN, SHIPPED)], ids=["reference", "cnn"]
)


def dome_nm(y_um, x_um, height_nm, radius_um=12.0):
    y, x = np.indices(SHAPE_YX) * PITCH_UM
    return height_nm * np.maximum(1 - ((y - y_um) ** 2 + (x - x_um) ** 2) / radius_um**2, 0)


def write_stack(path, frames, first_frame=24, z_um=1000.0, reconstruct=None):
    """Each frame a list of (y_um, x_um, height_nm), or None if missing; its background has an sd of 2 nm."""
    with create_opd(
        path,
        n_frames=len(frames),
        first_frame=first_frame,
        shape_yx=SHAPE_YX,
        pixel_pitch_um=PITCH_UM,
        provenance={"config": reconstruct or ReconstructConfig().model_dump(mode="json")},
    ) as sink:
        for index, domes in enumerate(frames):
            opd_nm = None if domes is None else sum((dome_nm(*d) for d in domes), np.zeros(SHAPE_YX))
            sink.write(index, time_h=4.0 + index / 6, opd_nm=opd_nm, z_um=z_um, background_sd_nm=2.0)


def write_calibration(path, name="reference", **coefficients):
    known = Calibration(
        coefficients={**dict.fromkeys(TERMS, 0.0), **coefficients},
        weights_sha256="",
        refine_sha256="",
        reconstruct_method="accelerated",
        reconstruct_refine="unwrap",
        n_colours=3,
        pixel_pitch_um=PITCH_UM,
        z_um=(750.0, 1500.0),
        background_sd_nm=(0.5, 3.0),
        seed=4000,
        n_fields=2,
        n_cells=200,
        bias_pg=0.0,
        within_1=0.68,
        within_2=0.95,
    )
    write_calibrations(path, {name: known})
    return path


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


def write_background(path, opd_nm):
    """A chunk of one frame."""
    with create_opd(
        path, n_frames=1, first_frame=0, shape_yx=opd_nm.shape, pixel_pitch_um=PITCH_UM, provenance={}
    ) as sink:
        sink.write(0, time_h=0.0, opd_nm=opd_nm, z_um=1000.0, background_sd_nm=2.0)


@METHODS
@pytest.mark.parametrize("sd_nm", [0.0, 3.0])
def test_a_frame_of_background_gives_an_empty_table(tmp_path, config, weights, sd_nm):
    """Noise on a slope of 10 nm: nothing there is a cell, and that is no error."""
    y, x = np.indices(SHAPE_YX)
    noise_nm = sd_nm * np.random.default_rng(4).normal(size=SHAPE_YX)
    write_background(tmp_path / "opd.h5", noise_nm + 5.0 * y / SHAPE_YX[0] - 5.0 * x / SHAPE_YX[1])
    out = tmp_path / "cells.parquet"
    run(opd=tmp_path / "opd.h5", out=out, config=config, weights=weights, provenance={})
    cells = read_table(out, CELLS)
    assert len(cells) == 0 and list(cells.columns) == list(CELLS.columns)
    assert cells["touches_border"].dtype == bool and cells["dry_mass_pg"].dtype == np.float64


@METHODS
def test_cells_that_the_border_cuts_are_marked(tmp_path, config, weights):
    opd, out = tmp_path / "opd.h5", tmp_path / "cells.parquet"
    write_stack(opd, [[(60.0, 2.0, 200.0), (60.0, 90.0, 200.0), (60.0, 130.0, 200.0)]])
    run(opd=opd, out=out, config=config, weights=weights, provenance={})
    cells = read_table(out, CELLS).sort_values("x_um")
    assert cells["touches_border"].tolist() == [True, False, False]


@METHODS
def test_opd_that_is_not_finite_is_refused_with_its_place(config, weights):
    opd_nm = np.zeros(SHAPE_YX, np.float32)
    opd_nm[3, 7] = np.nan
    measure, _ = quantify._method(config, weights)
    with pytest.raises(ValueError, match=r"1 values that are not finite, first at \(y, x\) = \(3, 7\)"):
        measure(opd_nm, PITCH_UM)


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
    alone = QuantifyConfig(device="cpu", integral_share=0.0)
    run(opd=opd, out=out, config=alone, weights=weights, provenance={})
    cells = read_table(out, CELLS)
    np.testing.assert_allclose(np.array(seen), [(150.0, PITCH_UM), (300.0, PITCH_UM)], rtol=0.02)
    assert cells.frame.tolist() == [24, 25]
    np.testing.assert_allclose(cells.dry_mass_pg, [100.0, 200.0], rtol=1e-6)
    seen.clear()
    run(opd=opd, out=out, config=QuantifyConfig(device="cpu"), weights=weights, provenance={})
    told = cells.loc[cells.frame == 24, ["y_um", "x_um", "dry_mass_pg"]]
    with open_opd(opd) as source:
        weighed = weigh_integrals(told, source.read(24), PITCH_UM, QuantifyConfig())
    again = read_table(out, CELLS)
    np.testing.assert_allclose(again.dry_mass_pg[:1], weighed.dry_mass_pg, rtol=1e-6)
    assert abs(weighed.dry_mass_pg.item() - 100.0) > 0.5
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


@pytest.fixture
def given(tmp_path):
    """Two frames, one cell each, and what the stage is called with."""
    write_stack(tmp_path / "opd.h5", [[(50.0, 60.0, 150.0)], [(50.0, 62.0, 300.0)]])
    return {
        "opd": tmp_path / "opd.h5",
        "out": tmp_path / "cells.parquet",
        "config": REFERENCE,
        "weights": None,
        "provenance": {},
        "calibrations": write_calibration(tmp_path / "se.json", relative=0.03, background=0.5),
        "n_colours": 3,
    }


def test_the_standard_error_is_that_of_the_calibration(given, caplog):
    run(**given)
    cells = read_table(given["out"], CELLS)
    own_pg, level_pg = 0.03 * cells.dry_mass_pg, 0.5 * 2.0 * cells.area_um2 / 1000 / 0.18
    np.testing.assert_allclose(cells.dry_mass_se_pg, np.hypot(own_pg, level_pg), rtol=1e-9)
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize("case", ["none", "another model", "fewer colours", "another CNN step"])
def test_what_was_not_calibrated_has_no_standard_error_and_the_log_says_what_to_do(given, case, caplog):
    section = ReconstructConfig().model_dump(mode="json")
    said = {
        "none": "not among those calibrated, none",
        "another model": "these weights of reference are not among those calibrated, other 1",
        "fewer colours": "by reconstruct.method accelerated with refine unwrap, this is from 1",
        "another CNN step": "this is from 3 by accelerated with none",
    }[case]
    if case == "none":
        given["calibrations"] = None
    elif case == "another model":
        write_calibration(given["calibrations"], "other 1")
    elif case == "fewer colours":
        given["n_colours"] = 1
    else:
        write_stack(given["opd"], [[(50.0, 60.0, 150.0)]], reconstruct={**section, "refine": "none"})
    run(**given)
    cells = read_table(given["out"], CELLS)
    assert len(cells) and cells.dry_mass_se_pg.isna().all()
    assert "dry_mass_se_pg is NaN: " in caplog.text and said in caplog.text
    assert "set in config.yaml what you use and run `make calibrate`" in caplog.text


def test_a_calibration_is_for_its_weights_not_for_its_name(given, tmp_path, monkeypatch, caplog):
    weights = tmp_path / "m.safetensors"
    save_cnn(PlainCnn(PlainCnnSpec(1, 4, 2, 4)), weights, card={"name": "known", "version": "7"})
    maps = np.zeros((4, *SHAPE_YX), np.float32)
    maps[:, 25:32, 30:37] = 1.0
    monkeypatch.setattr(quantify, "load_represent", lambda path, device: lambda opd_nm, pitch_um: maps)
    given |= {"config": QuantifyConfig(device="cpu"), "weights": weights}
    write_calibration(given["calibrations"], "known 7", relative=0.03)
    run(**given)
    assert read_table(given["out"], CELLS).dry_mass_se_pg.isna().all()
    assert "these weights of known 7 are not among those calibrated" in caplog.text
    content = read_json(given["calibrations"])
    content["calibrations"]["known 7"]["weights_sha256"] = sha256_of(weights)
    write_json(given["calibrations"], content)
    run(**given)
    cells = read_table(given["out"], CELLS)
    np.testing.assert_allclose(cells.dry_mass_se_pg, 0.03 * cells.dry_mass_pg)


def test_maps_of_another_microscope_have_no_standard_error(given, caplog):
    write_stack(given["opd"], [[(50.0, 60.0, 150.0)]], reconstruct={"background": "mode"})
    with caplog.at_level("INFO"):
        run(**{**given, "n_colours": 0})
    assert read_table(given["out"], CELLS).dry_mass_se_pg.isna().all()
    assert "dry_mass_se_pg is NaN: the OPD was not reconstructed from holograms" in caplog.text


def test_frames_unlike_those_of_the_calibration_are_named(given, caplog):
    write_stack(given["opd"], [[(50.0, 60.0, 150.0)], None], z_um=2000.0)
    run(**given)
    assert "z_um is 2000 to 2000, dry_mass_se_pg was calibrated for 750 to 1500" in caplog.text
    assert read_table(given["out"], CELLS).dry_mass_se_pg.notna().all()


def test_broken_calibrations_stop_the_stage(given):
    write_json(given["calibrations"], {"version": 2})
    with pytest.raises(CalibrationError, match="has version 2, expected 1; make it again"):
        run(**given)
