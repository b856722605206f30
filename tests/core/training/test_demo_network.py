from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tmnet_core.checkpoint import load_checkpoint, read_header
from tmnet_core.training.demo_network import make_demo_network
from tmnet_core.training.joint_pretraining import JointPretraining
from tmnet_core.training.run_folder import RunFolder

SMALL = [
    "model.width=0.25",
    "data.synthetic_clips=24",
    "data.validation_fraction=0.5",
    "clip.size=32",
    "training.batch_size=8",
    "training.device=cpu",
    "schedule.iterations=3",
    "schedule.warmup=1",
]


@pytest.mark.usefixtures("_one_thread")
def test_a_small_demo_network_goes_all_the_way(tmp_path: Path) -> None:
    joints = JointPretraining(width=0.25, clips=2, frames_a_clip=2, size=32, iterations=2, batch=4)
    path = make_demo_network(tmp_path, overrides=SMALL, joints=joints)
    header = read_header(path)
    assert header.model.variant == "tmnet-2d"
    assert set(header.metrics) == {"RB", "CB", "RB+CB"}
    assert "rendered people only" in header.provenance.note
    assert {tensor.dtype for tensor in load_file(path).values() if tensor.is_floating_point()} == {torch.float16}
    assert load_checkpoint(path).header.classes == header.classes
    # Each part started from the one before.
    assert RunFolder.open(tmp_path / "demo-frames").recipe().start.weights.endswith("joints.safetensors")
    assert header.training is not None
    assert "TSN" in header.training.start
