import pytest
import torch

from tmnet_core.config import Recipe
from tmnet_core.errors import TMNetError
from tmnet_core.training.trainer import Trainer
from tmnet_core.training.trial import try_recipe


def test_it_tells_what_a_run_will_need(tiny_recipe: Recipe) -> None:
    told: list[str] = []
    result = try_recipe(tiny_recipe, told.append)
    assert result.fits
    assert result.advice == ""
    assert (result.device, result.classes, result.clips, result.validation_clips) == ("cpu", 3, 12, 6)
    assert 0.05 < result.memory_gib < result.available_gib
    assert result.seconds >= result.iterations * result.seconds_per_step > 0
    assert "Trying step 2 of 4" in told


def test_what_does_not_fit_comes_with_what_to_change(tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(self: Trainer, parts: object, clips: int) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(Trainer, "step", step)
    result = try_recipe(tiny_recipe)
    assert not result.fits
    assert "set training.accumulate = 2" in result.advice


def test_another_error_of_a_step_is_not_taken_for_want_of_memory(
    tiny_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(self: Trainer, parts: object, clips: int) -> None:
        raise TMNetError("the loss is no longer a number")

    monkeypatch.setattr(Trainer, "step", step)
    with pytest.raises(TMNetError, match="no longer a number"):
        try_recipe(tiny_recipe)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_memory_of_a_gpu_is_told(tiny_recipe: Recipe) -> None:
    on_gpu = tiny_recipe.model_copy(update={"training": tiny_recipe.training.model_copy(update={"device": "cuda"})})
    result = try_recipe(on_gpu)
    assert result.fits
    assert 0 < result.memory_gib < result.available_gib
