"""The whole evaluation of the quantification at toy size, with the true map in place of a reconstruction."""

import json

import pytest
from toy_movie import PLACES_PX, write_movie

from lensfree.cells.measure import measure_cells
from lensfree.cells.representation import draw_representation
from lensfree.config import Config, EvaluateConfig, QuantifyConfig, ReconstructConfig
from lensfree.stages import evaluate_quant
from lensfree.stages.measures import read_measures, write_measures
from lensfree.stages.quant_published import TABLE_1
from lensfree.stages.quant_tables import movie_by_frame

CONFIG = Config(
    reconstruct=ReconstructConfig(device="cpu"),
    quantify=QuantifyConfig(integral_share=0.0),  # what the network says, and nothing else
    evaluate=EvaluateConfig(
        seeds=(90001,),
        field_px=200,
        fields=1,
        quant_cells_per_mm2=(183.0, 400.0),
        quant_robust_cells_per_mm2=183.0,
        quant_degradation_nm=((0.0, 0.0), (10.0, 5.0)),
    ),
)
SHORTS = ("mass", "area", "max_opd", "length")
PER_DENSITY = {"precision", "recall"} | {
    f"{short}_{figure}" for short in SHORTS for figure in ("r2", "slope", "intercept", "mad", "ssim")
}
ROBUST = {"precision", "recall", "mass_r2", "mass_slope", "mass_intercept", "mass_mad"}


class Ran:
    """One evaluation in which the reference pipeline's answers stand in for the network's."""

    def __init__(self, folder):
        self.retrieved = []
        self.page, self.figure = folder / "quantification.md", folder / "quantification.png"
        real = folder / "real"
        (real / "livecyte_movie").mkdir(parents=True)
        write_movie(real / "livecyte_movie")

        def retrieve(field, config, refine):
            self.retrieved.append(field)
            return field.opd_nm

        def represent(opd_nm, pixel_pitch_um):
            cells = measure_cells(opd_nm, pixel_pitch_um, QuantifyConfig())
            return draw_representation(cells, opd_nm.shape, pixel_pitch_um)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(evaluate_quant, "retrieve_opd", retrieve)
            patch.setattr(evaluate_quant, "load_represent", lambda weights: represent)
            self.measures = evaluate_quant.run(
                config=CONFIG,
                refine_weights=None,
                quantify_weights=folder / "none.safetensors",
                real=real,
                page=self.page,
                figure=self.figure,
            )

    def value(self, key):
        return self.measures[key].value


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    return Ran(tmp_path_factory.mktemp("quant"))


def test_every_field_is_reconstructed_once(ran):
    assert len(ran.retrieved) == 3  # two densities, one of them degraded too, and a culture
    assert len({id(field) for field in ran.retrieved}) == 3


def test_the_keys_are_those_of_every_comparison(ran):
    expected = {f"quant.{name}" for name in PER_DENSITY} | {f"quant.culture.{name}" for name in PER_DENSITY}
    for view in ("", "reference.", "against_reference."):
        for density in ("183", "400"):
            expected |= {f"quant.{view}{density}.{name}" for name in PER_DENSITY}
    for part in ("robust", "robust_reference"):
        expected |= {f"quant.{part}.{level}.{name}" for level in ("n0_b0", "n10_b5") for name in ROBUST}
        expected.add(f"quant.{part}.mass_r2_fall")
    expected |= {f"quant.{part}.{name}" for part in ("movie", "movie_reference") for name in ROBUST}
    assert set(ran.measures) == expected


def test_targets_stand_beside_what_they_are_for_and_nowhere_else(ran):
    with_target = {key: measure.target for key, measure in ran.measures.items() if measure.target is not None}
    at_density = {"recall", "precision", "mass_slope"} | {f"{short}_r2" for short in SHORTS}
    assert set(with_target) == {
        *("quant.precision", "quant.recall", "quant.mass_r2", "quant.robust.mass_r2_fall"),
        *(f"quant.{density}.{name}" for density in ("183", "400") for name in at_density),
    }
    assert (with_target["quant.recall"], with_target["quant.mass_r2"]) == (0.97, 0.87)
    assert (with_target["quant.183.mass_r2"], with_target["quant.400.mass_r2"]) == (0.95, 0.90)
    assert with_target["quant.robust.mass_r2_fall"] == 0.02


def test_a_network_that_says_what_the_reference_says_agrees_with_it(ran):
    assert ran.value("quant.against_reference.400.recall") == 1.0
    assert ran.value("quant.against_reference.400.precision") == 1.0
    for short in SHORTS:
        assert ran.value(f"quant.against_reference.400.{short}_r2") == pytest.approx(1.0, abs=1e-4)
        assert ran.value(f"quant.against_reference.400.{short}_ssim") == pytest.approx(1.0, abs=1e-6)


def test_the_reference_is_held_against_the_truth(ran):
    for density in ("183", "400"):
        assert ran.value(f"quant.reference.{density}.recall") > 0.9
        assert 0.9 < ran.value(f"quant.reference.{density}.mass_r2") < 1.0
        assert ran.value(f"quant.reference.{density}.mass_ssim") < 0.999
    assert "reference pipeline" in ran.measures["quant.reference.400.mass_r2"].meaning
    assert ran.measures["quant.400.mass_r2"].meaning == "R2 of the line of found on true dry_mass_pg"


def test_a_clean_map_scores_as_without_degradation_and_a_noisy_one_lower(ran):
    assert ran.value("quant.robust.n0_b0.mass_r2") == pytest.approx(ran.value("quant.183.mass_r2"))
    assert ran.value("quant.robust.n10_b5.mass_mad") > ran.value("quant.robust.n0_b0.mass_mad")
    fall = ran.value("quant.robust.n0_b0.mass_r2") - ran.value("quant.robust.n10_b5.mass_r2")
    assert ran.value("quant.robust.mass_r2_fall") == pytest.approx(fall)


def test_real_cells_have_no_seeds(ran):
    assert ran.measures["quant.movie.recall"].seeds == ()
    assert ran.measures["quant.movie.recall"].n == len(PLACES_PX)
    assert ran.measures["quant.183.recall"].seeds == (90001,)


def test_measures_survive_the_file(ran, tmp_path):
    write_measures(tmp_path / "quant.json", ran.measures, "make evaluate ONLY=quant")
    assert set(read_measures(tmp_path / "quant.json")) == set(ran.measures)
    json.loads((tmp_path / "quant.json").read_text(), parse_constant=pytest.fail)


def test_the_page_has_published_and_own_rows(ran):
    lines = ran.page.read_text(encoding="utf-8").splitlines()
    mass = lines[lines.index("### Dry mass [pg]") :]
    mass = mass[: mass.index("### Maximum OPD [nm]")]
    assert "| 183 | published | 5381 | 0.94 | 0.99 | 1.00 | 0.81 | 62.1 | 0.873 | 9.1 |" in mass
    n = ran.measures["quant.reference.183.recall"].n
    own = [
        f"{ran.value(f'quant.reference.183.{name}'):.{digits}f}"
        for name, digits in (
            *(("mass_ssim", 3), ("precision", 3), ("recall", 3), ("mass_slope", 3)),
            *(("mass_intercept", 1), ("mass_r2", 3), ("mass_mad", 1)),
        )
    ]
    assert f"| 183 | reference pipeline, truth | {n} | {' | '.join(own)} |" in mass
    assert sum(line.startswith("| 400 |") for line in mass) == 3  # nothing is published at 400
    assert not any(line.startswith("| 400 | published") for line in lines)


def test_the_page_says_what_was_looked_at(ran):
    text = ran.page.read_text(encoding="utf-8")
    head = text[: text.index("##")]
    assert "**synthetic**" in head
    for said in ("Seeds 90001", "150 x 200", f"{ran.measures['quant.400.recall'].n} at 400"):
        assert said in " ".join(text.split())
    assert "| published CNN-B | 0.86 ± 0.02 | 17.7 ± 3.6 |" in text
    r2 = [ran.value(f"quant.robust_reference.{level}.mass_r2") for level in ("n0_b0", "n10_b5")]
    spread = abs(r2[0] - r2[1]) / 2**0.5
    assert f"| reference pipeline | {sum(r2) / 2:.3f} ± {spread:.3f} |" in text
    assert "**not ground truth**" in text
    assert f"| 0 | {len(PLACES_PX)} | 1.000 | 1.000 |" in text
    assert "{" not in text


def test_frames_without_a_figure_show_none(ran):
    from lensfree.stages.evaluate_quant_movie import MovieRow

    nan = float("nan")
    row = MovieRow(30, 0, nan, 0.5, nan)
    table = movie_by_frame(ran.measures, {"movie": [row], "movie_reference": [row]})
    assert "| 30 | 0 |  | 0.500 |  |  | 0.500 |  |" in table


def test_the_figure_is_a_picture(ran):
    assert ran.figure.read_bytes().startswith(b"\x89PNG")


def test_the_published_table_is_whole():
    assert set(TABLE_1) == {
        (name, density)
        for name in ("area_um2", "dry_mass_pg", "max_opd_nm", "length_um")
        for density in (183, 255, 364, 527)
    }
    assert TABLE_1["dry_mass_pg", 255].as_printed == (
        *("7490", "0.92", "0.99", "0.99", "0.80", "63.3", "0.871", "10.7"),
    )
    assert TABLE_1["max_opd_nm", 364].as_printed[-3:] == ("10.09", "0.944", "6.5")
