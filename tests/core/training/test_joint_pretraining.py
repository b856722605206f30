from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tmnet_core.models.pretrained import load_start_weights
from tmnet_core.models.stages2d import build_network
from tmnet_core.training.joint_pretraining import (
    JointPretraining,
    heat_maps,
    pretrain_on_joints,
    render_posed_frames,
)


def test_a_heat_map_peaks_at_its_joint() -> None:
    maps = heat_maps(torch.tensor([[[2.5, 4.5], [0.5, 0.5]]]), cells=6)
    assert maps.shape == (1, 2, 6, 6)
    assert maps[0, 0].argmax() == 4 * 6 + 2  # row of y, column of x
    assert maps[0, 0].max() == pytest.approx(1.0)
    assert maps[0, 1, 0, 0] == pytest.approx(1.0)
    assert torch.allclose(maps[0, 0, 4, 1], maps[0, 0, 3, 2])


def test_frames_come_with_the_joints_of_their_people() -> None:
    posed = render_posed_frames(JointPretraining(clips=2, frames_a_clip=3), np.random.default_rng(0))
    assert posed.frames.shape == (6, 120, 160, 3)
    assert posed.joints.shape[::2] == (6, 2)
    assert (posed.joints[..., 0] >= 0).all()
    assert (posed.joints[..., 0] < 160).all()


@pytest.mark.usefixtures("_one_thread")
def test_what_is_learned_is_a_start_for_training(tmp_path: Path) -> None:
    settings = JointPretraining(width=0.25, clips=4, frames_a_clip=2, size=32, iterations=150, batch=8)
    told: list[tuple[int, int]] = []
    error = pretrain_on_joints(
        settings,
        tmp_path / "joints.safetensors",
        device=torch.device("cpu"),
        progress=lambda done, total: told.append((done, total)),
    )
    # Eight frames are learned by heart: far below 1, which is what knowing nothing gives.
    assert error < 0.8
    assert told[-1] == (150, 150)
    network = build_network("mobilenet_v2", 0.25)
    loaded = load_start_weights(network, "mobilenet_v2", str(tmp_path / "joints.safetensors"), partial=True)
    assert all(name.startswith("classifier.") for name in loaded.missing)
    stem = load_file(tmp_path / "joints.safetensors")["features.0.0.weight"]
    assert torch.equal(network.features[0][0].weight, stem)
