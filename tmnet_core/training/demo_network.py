"""The network that ships with the project, made again from nothing: joints, then single frames, then clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tmnet_core.checkpoint import load_checkpoint, save_checkpoint
from tmnet_core.config import load_recipe
from tmnet_core.device import choose_device
from tmnet_core.training.events import Event
from tmnet_core.training.joint_pretraining import JointPretraining, pretrain_on_joints
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.trainer import train

CHECKPOINT_NAME = "synthetic-people.safetensors"


def make_demo_network(
    out: Path,
    *,
    overrides: list[str] | None = None,
    joints: JointPretraining | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    report: Callable[[Event], None] = lambda event: None,
) -> Path:
    """Train the demo's network into `out` and return its checkpoint, stored with 16-bit floats.

    Args:
        out: a folder for the start, the two runs and the checkpoint.
        overrides: changes to both recipes, as `tmnet train --set` takes them.
        joints: the settings of the first part; those of the recipes' network where left out.
        progress: told the steps of the first part.
        report: told the events of the two runs.
    """
    changes = overrides or []
    frames_recipe = load_recipe("demo-frames", changes)
    model = frames_recipe.model
    settings = joints or JointPretraining(model.backbone, model.width, size=frames_recipe.clip.size)
    start = out / "joints.safetensors"
    out.mkdir(parents=True, exist_ok=True)
    pretrain_on_joints(settings, start, device=choose_device(frames_recipe.training.device), progress=progress)

    frames = _run("demo-frames", start, out, changes, report)
    clips = _run("demo", frames.best_checkpoint, out, changes, report)
    trained = load_checkpoint(clips.best_checkpoint)
    save_checkpoint(out / CHECKPOINT_NAME, trained.model, trained.header, half=True)
    return out / CHECKPOINT_NAME


def _run(name: str, start: Path, out: Path, changes: list[str], report: Callable[[Event], None]) -> RunFolder:
    recipe = load_recipe(name, [*changes, f"start.weights={str(start.resolve())!r}", "start.partial=true"])
    run = RunFolder.create(out, recipe)
    train(recipe, run, report=report)
    return run
