"""What of a network stays as it starts: BatchNorm's statistics, and whole stages."""

from __future__ import annotations

from typing import Literal

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tmnet_core.errors import RecipeError
from tmnet_core.models.stages2d import STAGES, STEM


def frozen_modules(model: nn.Module, stages: int) -> list[nn.Module]:
    """Return the first so many of stem and four stages, of all parts; RecipeError where there are none."""
    names = (STEM, *STAGES)[:stages]
    found = [module for path, module in model.named_modules() if path.rpartition(".")[2] in names]
    if stages and not found:
        raise RecipeError("training.frozen_stages: this network has no stages; set it to 0")
    return found


def freeze_stages(model: nn.Module, stages: int) -> None:
    """Take the weights of the first so many of stem and four stages out of training."""
    for module in frozen_modules(model, stages):
        module.requires_grad_(False)


def set_training_mode(
    model: nn.Module, batch_norm: Literal["train", "frozen", "partial"], *, frozen_stages: int = 0
) -> None:
    """Put the model into training mode, but for frozen stages and BatchNorm.

    Frozen BatchNorm keeps its running statistics and uses them; its weights still learn. `partial` freezes all but
    the first one, as TSN does (Wang et al., ECCV 2016, section 3.2).
    """
    model.train()
    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    for layer in layers[{"train": len(layers), "partial": 1, "frozen": 0}[batch_norm] :]:
        layer.eval()
    for module in frozen_modules(model, frozen_stages):
        module.eval()
