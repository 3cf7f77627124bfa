"""params.yaml: the shipped file and the types agree, and a mistake is named."""

from pathlib import Path

import pytest
import yaml

from editorbot.errors import EditorbotError
from editorbot.params import Params, check_params, load_params

SHIPPED = Path(__file__).parents[2] / "params.yaml"


def test_shipped_file_holds_every_section_and_the_defaults():
    assert set(yaml.safe_load(SHIPPED.read_text())) == set(Params.model_fields)
    assert load_params(SHIPPED) == Params()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"pointr": {}}, "pointr is not a known key, did you mean pointer?"),
        ({"mel": {"n_mel": 3}}, "mel.n_mel is not a known key, did you mean mel.n_mels?"),
        ({"mel": {"n_mels": -3}}, "mel.n_mels is -3: input should be greater than 0"),
        ({"splits": {"held_out": 2}}, "splits.held_out is 2"),
        ({"mel": {"n_fft": 2047}}, "mel.n_fft is 2047: input should be a multiple of 2"),
        (
            {"pointer": {"mini": {"width": 66}}},
            "pointer.mini.heads is 4: value error, the width, 66, is not a multiple of it",
        ),
        ({"mel": None}, "mel is None: expected a section with keys"),
        ({5: {}}, "5 is not a known key"),
        (
            {"demo": {"songs": 0}},
            "demo.songs is 0: input should be greater than or equal to 1 or input should be 'all'",
        ),
        ([1], "params.yaml holds list, expected sections"),
    ],
)
def test_mistakes_are_named(values, sentence):
    with pytest.raises(EditorbotError) as raised:
        check_params(values, name="params.yaml")
    assert sentence in str(raised.value)


def test_a_file_that_is_not_yaml_is_named(tmp_path):
    path = tmp_path / "params.yaml"
    for content in (b"a: [", "# Größe".encode("latin-1")):
        path.write_bytes(content)
        with pytest.raises(EditorbotError, match=r"params\.yaml is not valid YAML"):
            load_params(path)
    with pytest.raises(EditorbotError, match="could not be read"):
        load_params(tmp_path / "none.yaml")
