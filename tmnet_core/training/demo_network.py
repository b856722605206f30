"""The network that ships with the project, made again from nothing: joints, then single frames, then clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tmnet_core.checkpoint import load_checkpoint, save_checkpoint
from tmnet_core.config import Recipe, load_recipe, recipe_differences
from tmnet_core.device import choose_device
from tmnet_core.errors import TMNetError
from tmnet_core.training.events import Event
from tmnet_core.training.joint_pretraining import JointPretraining, pretrain_on_joints, read_settings
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
) -> Path | None:
    """Train the demo's network into `out` and return its checkpoint, stored with 16-bit floats.

    What an earlier call into the same folder has made is used, and a run that was stopped goes on. Each part starts
    from the last weights of the one before: the best would be chosen by the clips that figures are given for.

    Args:
        out: a folder for the start, the two runs and the checkpoint.
        overrides: changes to both recipes, as `tmnet train --set` takes them.
        joints: the settings of the first part; those of the recipes' network where left out.
        progress: told the steps of the first part.
        report: told the events of the two runs.

    Returns:
        The checkpoint; None where one of the runs was stopped before its end.

    Raises:
        TMNetError: where the folder holds parts that were begun with other settings, or a run fails.
    """
    changes = overrides or []
    frames_recipe = load_recipe("demo-frames", changes)
    model = frames_recipe.model
    settings = joints or JointPretraining(model.backbone, model.width, size=frames_recipe.clip.size)
    start = out / "joints.safetensors"
    out.mkdir(parents=True, exist_ok=True)
    if not start.exists():
        pretrain_on_joints(settings, start, device=choose_device(frames_recipe.training.device), progress=progress)
    elif read_settings(start) != settings:
        raise TMNetError(f"{start}: it was made with other settings; remove it, or choose another folder")

    for name in ("demo-frames", "demo"):
        recipe = load_recipe(name, [*changes, f"start.weights={str(start.resolve())!r}", "start.partial=true"])
        run = _begin_or_find(out, recipe)
        if train(recipe, run, resume=True, report=report).outcome == "stopped":
            return None
        start = run.last_checkpoint
    trained = load_checkpoint(start)
    save_checkpoint(out / CHECKPOINT_NAME, trained.model, trained.header, half=True)
    return out / CHECKPOINT_NAME


def _begin_or_find(out: Path, recipe: Recipe) -> RunFolder:
    folder = out / recipe.name
    if not folder.exists():
        return RunFolder.create(out, recipe)
    run = RunFolder.open(folder)
    if changes := recipe_differences(run.recipe(), recipe):
        raise TMNetError(
            f"run {folder}: it was begun with another recipe ({'; '.join(changes)}); choose another folder"
        )
    return run
