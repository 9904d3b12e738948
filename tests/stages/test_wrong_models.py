"""Weights that were trained for another step are refused when they are loaded, not halfway through."""

import pytest

from lensfree.model_files import ModelError
from lensfree.nets.plain_cnn import PlainCnn, PlainCnnSpec
from lensfree.nets.weights import save_cnn
from lensfree.stages.refine import load_refine
from lensfree.stages.represent import load_represent


def weights(folder, channels_in, channels_out, **card):
    path = folder / "m.safetensors"
    save_cnn(PlainCnn(PlainCnnSpec(channels_in, channels_out, 3, 4)), path, card=card)
    return path


@pytest.mark.parametrize("channels", [(1, 4), (3, 2), (2, 1)])
def test_the_cnn_step_takes_opd_and_absorption(tmp_path, channels):
    says = rf"m\.safetensors: the network maps {channels[0]} channels to {channels[1]}, expected 2 to 2; name"
    with pytest.raises(ModelError, match=says):
        load_refine(weights(tmp_path, *channels))


@pytest.mark.parametrize("channels", [(2, 2), (2, 4), (1, 3)])
def test_quantification_takes_opd_and_gives_four_measures(tmp_path, channels):
    says = rf"the network maps {channels[0]} channels to {channels[1]}, expected 1 to 4; name a model"
    with pytest.raises(ModelError, match=says):
        load_represent(weights(tmp_path, *channels, pixel_pitch_um="1.67"))


def test_quantification_needs_the_pitch_of_its_training(tmp_path):
    with pytest.raises(ModelError, match="the header has no 'pixel_pitch_um'; train the model again"):
        load_represent(weights(tmp_path, 1, 4))
