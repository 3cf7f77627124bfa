import pytest
import torch

from editorbot.nn.threads import cpu_threads


def test_threads_are_given_back_even_after_an_error():
    torch.set_num_threads(1)
    with pytest.raises(KeyError), cpu_threads(2):
        assert torch.get_num_threads() == 2
        raise KeyError
    assert torch.get_num_threads() == 1
