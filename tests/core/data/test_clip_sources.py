from pathlib import Path

import numpy as np
import pytest

from tmnet_core.config import DataSection
from tmnet_core.data.clip_sources import data_name, open_all_clips, open_clip_sources, open_validation_clips
from tmnet_core.data.clips import ClipsInMemory
from tmnet_core.data.synthetic_people import CLASSES
from tmnet_core.errors import DataError


def test_a_folder_gives_training_and_validation(coloured_clips: Path) -> None:
    data = DataSection(root=str(coloured_clips), validation_fraction=0.34)
    training, validation = open_clip_sources(data)
    names = [{source.name(i) for i in range(len(source))} for source in (training, validation)]
    assert not names[0] & names[1]
    assert len(names[0] | names[1]) == len(open_all_clips(str(coloured_clips))) == 18
    assert len(open_validation_clips(data)) == len(validation)


def test_frames_can_stay_in_memory(coloured_clips: Path) -> None:
    training, _ = open_clip_sources(DataSection(root=str(coloured_clips), cache="memory", cache_short_side=32))
    assert isinstance(training, ClipsInMemory)
    assert training.read(0, [0, 3]).shape[:2] == (2, 32)


def test_synthetic_people_need_no_folder() -> None:
    training, validation = open_clip_sources(
        DataSection(root="synthetic-people", synthetic_clips=120, validation_fraction=0.2)
    )
    assert (len(training), len(validation)) == (120, 24)
    assert tuple(training.classes) == CLASSES
    frames = training.read(5, [0, 31])
    assert frames.shape == (2, 120, 160, 3)
    assert np.array_equal(frames, training.read(5, [0, 31]))
    assert training.frames(5) == 32
    assert CLASSES[training.label(5)] == CLASSES[5]


def test_no_data_is_a_sentence() -> None:
    with pytest.raises(DataError, match="no data: give --data FOLDER"):
        open_clip_sources(DataSection())


def test_data_is_called_by_its_folder(coloured_clips: Path) -> None:
    assert data_name(str(coloured_clips)) == coloured_clips.name
    assert data_name("synthetic-people") == "synthetic-people"
