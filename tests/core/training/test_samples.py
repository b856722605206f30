from pathlib import Path

import numpy as np
import pytest
import torch

from tmnet_core.config import ModelConfig
from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.errors import SourceError
from tmnet_core.models.variants import build_model
from tmnet_core.opencv import cv2
from tmnet_core.training.samples import SampleGallery, choose_clips

CLASSES = ("jump", "run", "wave")


class Clips:
    """Seven clips of grey: of the class that comes first there are most."""

    classes = CLASSES
    labels = (0, 0, 0, 0, 1, 2, 2)

    def __len__(self) -> int:
        return len(self.labels)

    def label(self, index: int) -> int:
        return self.labels[index]

    def name(self, index: int) -> str:
        return f"clip {index}"

    def frames(self, index: int) -> int:
        if index == 4:
            raise SourceError("clip 4 cannot be read")
        return 9

    def read(self, index: int, indices: list[int]) -> np.ndarray:
        assert list(indices) == [4]
        return np.full((1, 60, 80, 3), 20 * index, np.uint8)


def gallery(folder: Path, count: int = 6) -> SampleGallery:
    return SampleGallery(Clips(), Preprocessing(size=96), folder, count)


def test_every_class_comes_before_any_class_comes_again() -> None:
    assert choose_clips(Clips(), 5) == [0, 4, 5, 1, 6]
    assert choose_clips(Clips(), 100) == [0, 4, 5, 1, 6, 2, 3]


def test_pictures_and_answers_of_every_branch(tmp_path: Path) -> None:
    model = build_model(ModelConfig(backbone="mobilenet_v2", width=0.25), len(CLASSES))
    sampled = gallery(tmp_path / "samples", 4).look(model, torch.device("cpu"), 12)
    assert sampled is not None
    # The one that cannot be read is left out.
    assert [clip.video for clip in sampled.clips] == ["clip 0", "clip 5", "clip 1"]
    assert [clip.label for clip in sampled.clips] == ["jump", "wave", "jump"]
    for clip in sampled.clips:
        assert set(clip.answers) == {"RB", "CB", "RB+CB"}
        assert all(name in CLASSES and 0 < share <= 1 for name, share in clip.answers.values())
        picture = cv2.imdecode(np.fromfile(tmp_path / clip.picture, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (60, 3 * 80 + 2 * 4, 3)
    # The first pane is the frame itself, the others have a map over it.
    panes = [picture[:, left : left + 80] for left in (0, 84, 168)]
    assert (panes[0] == 20).all()
    assert not any((pane == 20).all() for pane in panes[1:])


@pytest.mark.parametrize(("variant", "answers"), [("tsn", {"CB"}), ("tmnet-3d-a", {"RB"})])
def test_only_branches_that_look_at_single_frames_are_shown(tmp_path: Path, variant: str, answers: set[str]) -> None:
    model = build_model(ModelConfig(variant=variant, backbone="resnet50"), len(CLASSES))
    sampled = gallery(tmp_path / "samples", 1).look(model, torch.device("cpu"), 1)
    assert sampled is not None
    assert set(sampled.clips[0].answers) == answers


def test_a_network_of_whole_clips_has_no_samples(tmp_path: Path) -> None:
    model = build_model(ModelConfig(variant="r3d-18"), len(CLASSES))
    assert gallery(tmp_path / "samples").look(model, torch.device("cpu"), 1) is None
