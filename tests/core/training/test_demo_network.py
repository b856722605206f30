from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tmnet_core.checkpoint import load_checkpoint, read_header
from tmnet_core.errors import TMNetError
from tmnet_core.training.demo_network import make_demo_network
from tmnet_core.training.events import Event, Started
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

JOINTS = JointPretraining(width=0.25, clips=2, frames_a_clip=2, size=32, iterations=2, batch=4)


@pytest.mark.usefixtures("_one_thread")
def test_a_small_demo_network_goes_all_the_way(tmp_path: Path) -> None:
    path = make_demo_network(tmp_path, overrides=SMALL, joints=JOINTS)
    assert path is not None
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


@pytest.mark.usefixtures("_one_thread")
def test_a_stopped_making_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = make_demo_network(tmp_path / "whole", overrides=SMALL, joints=JOINTS)
    assert whole is not None
    out = tmp_path / "stopped"

    def stop_the_first_run(event: Event) -> None:
        if isinstance(event, Started):
            RunFolder(out / "demo-frames").ask_to_stop()

    assert make_demo_network(out, overrides=SMALL, joints=JOINTS, report=stop_the_first_run) is None
    assert not (out / "demo").exists()
    steps: list[int] = []
    made = make_demo_network(out, overrides=SMALL, joints=JOINTS, progress=lambda done, total: steps.append(done))
    assert not steps, "joints were learned already"
    assert made is not None
    for name, tensor in load_file(whole).items():
        assert torch.equal(tensor, load_file(made)[name]), name


@pytest.mark.usefixtures("_one_thread")
def test_parts_made_with_other_settings_are_not_mixed(tmp_path: Path) -> None:
    make_demo_network(tmp_path, overrides=SMALL, joints=JOINTS)
    with pytest.raises(TMNetError, match=r"demo-frames: it was begun with another recipe \(training\.seed"):
        make_demo_network(tmp_path, overrides=[*SMALL, "training.seed=1"], joints=JOINTS)
    with pytest.raises(TMNetError, match=r"joints\.safetensors: it was made with other settings"):
        make_demo_network(tmp_path, overrides=SMALL, joints=replace(JOINTS, iterations=3))
