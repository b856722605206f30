import numpy as np

from tmnet_core.scratch import Scratch


def test_pictures_of_any_size_take_turns_in_the_same_memory() -> None:
    scratch = Scratch()
    large = scratch.of(30, 40, 3)
    small = scratch.of(5, 6, 4)
    assert small.shape == (5, 6, 4)
    assert small.flags.c_contiguous
    assert np.shares_memory(small, large)
    assert np.shares_memory(scratch.of(30, 40, 3), large), "nothing is allocated anew"
    assert scratch.of(50, 60, 3).shape == (50, 60, 3)
