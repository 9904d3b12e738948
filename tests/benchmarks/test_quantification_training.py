"""Networks beside the shipped one at toy size: the same crops, their own recipes, honest minutes."""

import os
import time

import numpy as np
import pytest
import quantification_training
from quantification_training import VARIANTS, main, plan_of, spent_before_s, train, weights_in

from lensfree.cells.representation import MEASURES
from lensfree.config import Config, FieldsConfig, ReconstructConfig, TrainQuantifyConfig
from lensfree.nets.weights import load_cnn, read_card
from lensfree.stages.training_crops import make_crops

TOY = Config(
    fields=FieldsConfig(side_px=72, fields_per_recipe=1, cells_per_mm2=(150, 300)),
    reconstruct=ReconstructConfig(device="cpu", refine="none", iterations_first=2, iterations_last=1),
    train_quantify=TrainQuantifyConfig(
        recipes=2,
        crops_per_field=2,
        crop_px=40,
        steps=3,
        batch=2,
        layers=3,
        features=4,
        zoom=(0.8, 1.1),
        real_movie="none",
    ),
)


def with_training(config, **changed):
    training = config.train_quantify.model_copy(update=changed)
    return config.model_copy(update={"train_quantify": training})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return plan_of(TOY).folder(tmp_path_factory.mktemp("quantify"))


@pytest.fixture(scope="module")
def crops(folder):
    return make_crops(plan_of(TOY), folder)


def test_recipes_differ_from_the_shipped_one_by_what_their_name_says():
    shipped = Config().train_quantify
    differing = {
        name: {
            setting: value
            for setting, value in variant.recipe(shipped).model_dump().items()
            if value != getattr(shipped, setting)
        }
        for name, variant in VARIANTS.items()
    }
    assert differing.pop("published") == {"stride": 1}
    assert differing.pop("clean") == {"noise_sd_nm": 2.0, "background_nm": 0.0}
    assert set(differing) == {"as_shipped", "single_mass", "single_area", "single_max_opd", "single_length"}
    assert not any(differing.values())
    published = VARIANTS["published"].recipe(TOY.train_quantify)
    assert (published.layers, published.features, published.stride) == (20, 32, 1)


def test_every_variant_learns_from_the_same_crops(tmp_path):
    folders = {
        plan_of(TOY.model_copy(update={"train_quantify": variant.recipe(TOY.train_quantify)})).folder(
            tmp_path
        )
        for variant in VARIANTS.values()
    }
    assert len(folders) == 1


def test_single_tasks_answer_one_measure_each_and_their_cards_say_so(crops, folder, tmp_path):
    singles = [name for name in VARIANTS if name.startswith("single_")]
    paths = [train(name, crops, folder, TOY, tmp_path) for name in singles]
    cards = [read_card(path) for path in paths]
    assert tuple(card["measures"] for card in cards) == MEASURES
    assert {card["channels_out"] for card in cards} == {"1"}
    assert {(card["steps"], card["crops"], card["crops_of"]) for card in cards} == {("3", "4", folder.name)}
    assert all(0 < float(card["minutes"]) < 1 or card["minutes"] == "0.00" for card in cards)
    assert all(card["machine"].endswith("threads") for card in cards)
    # None goes on from the checkpoint of another; what they answer differs.
    assert len({card["recipe"] for card in cards}) == len(MEASURES)
    last = [load_cnn(path, channels=(1, 1)).body[-1].weight.detach().numpy() for path in paths]
    assert all(abs(last[0] - other).max() > 0 for other in last[1:])


def test_the_published_architecture_trains_at_full_resolution(crops, folder, tmp_path):
    card = read_card(train("published", crops, folder, with_training(TOY, steps=1), tmp_path))
    assert [card[key] for key in ("layers", "features", "stride", "channels_out")] == ["20", "32", "1", "4"]


def test_weights_of_the_same_recipe_stay_and_of_another_are_made_anew(crops, folder, tmp_path):
    path = train("clean", crops, folder, TOY, tmp_path)
    before = path.stat().st_mtime_ns
    assert train("clean", crops, folder, TOY, tmp_path).stat().st_mtime_ns == before
    train("clean", crops, folder, with_training(TOY, steps=4), tmp_path)
    assert read_card(path)["steps"] == "4"
    assert path == weights_in(tmp_path, "clean") and path.stat().st_mtime_ns > before


def test_noise_and_background_are_what_sets_clean_apart(monkeypatch, tmp_path):
    seen = {}

    def noted(crops, recipe, **_):
        seen[recipe.noise_sd_nm] = recipe.background_nm
        raise InterruptedError

    monkeypatch.setattr(quantification_training, "trained", noted)
    for name in ("clean", "as_shipped"):
        with pytest.raises(InterruptedError):
            train(name, np.zeros((1, 5, 8, 8)), tmp_path / "crops", TOY, tmp_path)
    assert seen == {2.0: 0.0, 20.0: 30.0}


def test_a_stopped_run_counts_up_to_its_last_checkpoint(tmp_path):
    clock, checkpoint = tmp_path / "state.json", tmp_path / "state.pt"
    assert spent_before_s(clock, checkpoint) == 0
    clock.write_text('{"spent_s": 100.0, "begun": 5000.0}', encoding="utf-8")
    assert spent_before_s(clock, checkpoint) == 0  # it was stopped before its first checkpoint
    checkpoint.write_bytes(b"")
    os.utime(checkpoint, (5060.0, 5060.0))
    assert spent_before_s(clock, checkpoint) == pytest.approx(160)
    os.utime(checkpoint, (4000.0, 4000.0))  # of the run before the last
    assert spent_before_s(clock, checkpoint) == pytest.approx(100)


def test_minutes_of_a_resumed_training_add_up(crops, folder, tmp_path, monkeypatch):
    """A run is stopped after its last checkpoint; the one that goes on adds its time."""
    config = with_training(TOY, seed=77)
    real = quantification_training.trained

    def stopped(*args, **kwargs):
        real(*args, **kwargs)
        begun = time.time()
        os.utime(kwargs["checkpoint"], (begun + 240, begun + 240))  # as if it had taken four minutes
        raise InterruptedError

    monkeypatch.setattr(quantification_training, "trained", stopped)
    with pytest.raises(InterruptedError):
        train("clean", crops, folder, config, tmp_path)
    monkeypatch.setattr(quantification_training, "trained", real)
    minutes = float(read_card(train("clean", crops, folder, config, tmp_path))["minutes"])
    assert 4.0 <= minutes < 4.5


def test_an_unknown_name_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["publish"])
    assert "got publish, expected names of published, single_mass" in capsys.readouterr().err


def test_a_movie_that_is_not_there_is_refused():
    with pytest.raises(FileNotFoundError, match="run this from the project's folder"):
        plan_of(with_training(TOY, real_movie="no/such.tif"))


def test_the_command_line_takes_names_steps_and_folder(monkeypatch, tmp_path):
    done = []
    monkeypatch.setattr(quantification_training, "Config", lambda: TOY)
    monkeypatch.setattr(quantification_training, "make_crops", lambda plan, folder: folder)
    monkeypatch.setattr(
        quantification_training,
        "train",
        lambda name, crops, folder, config, work: done.append(
            (name, folder, config.train_quantify.steps, work)
        ),
    )
    main(["clean", "published", "--steps", "12", "--work", str(tmp_path)])
    folder = plan_of(TOY).folder(tmp_path)
    assert done == [(name, folder, 12, tmp_path) for name in ("clean", "published")]
    done.clear()
    main(["--work", str(tmp_path)])
    assert [name for name, *_ in done] == list(VARIANTS)
