"""What the network makes of a few validation clips, as pictures with both branches' maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tmnet_core.attention.colours import blend_heat
from tmnet_core.data.clips import ClipSource
from tmnet_core.data.preprocessing import Image, Preprocessing
from tmnet_core.data.resizing import shrink
from tmnet_core.errors import SourceError
from tmnet_core.files import replacing
from tmnet_core.models.branch import Branch
from tmnet_core.models.cam import class_activation_maps
from tmnet_core.models.tmnet import TMNet
from tmnet_core.opencv import cv2
from tmnet_core.training.events import Sampled, SampledClip

CLIPS = 6
_HEIGHT = 144
_GAP = 4


@dataclass(frozen=True)
class _Sample:
    frame: Image
    video: str
    label: str


class SampleGallery:
    """Looks at the middle frame of the same validation clips again and again, as many classes as there is room for.

    Args:
        folder: where the pictures go: the frame, then RB's map over it, then CB's.
    """

    def __init__(self, source: ClipSource, preprocessing: Preprocessing, folder: Path, clips: int = CLIPS) -> None:
        self._source = source
        self._preprocessing = preprocessing
        self._folder = folder
        self._clips = clips
        self._samples: list[_Sample] | None = None

    @torch.inference_mode()
    def look(self, model: TMNet, device: torch.device, iteration: int) -> Sampled | None:
        """Write the pictures of this iteration; None where the network cannot look at one frame."""
        if not model.glances:
            return None
        if self._samples is None:
            self._samples = self._read()
        model.eval()
        self._folder.mkdir(exist_ok=True)
        clips = [self._show(sample, number, model, device, iteration) for number, sample in enumerate(self._samples)]
        return Sampled(iteration=iteration, clips=tuple(clips))

    def _read(self) -> list[_Sample]:
        samples = []
        for index in choose_clips(self._source, self._clips):
            try:
                frames = self._source.read(index, [self._source.frames(index) // 2])
            except SourceError:
                continue
            label = str(self._source.classes[self._source.label(index)])
            samples.append(_Sample(frames[0], self._source.name(index), label))
        return samples

    def _show(self, sample: _Sample, number: int, model: TMNet, device: torch.device, iteration: int) -> SampledClip:
        height, width = sample.frame.shape[:2]
        placement = self._preprocessing.place(width=width, height=height)
        seen = torch.from_numpy(self._preprocessing.cut(sample.frame, placement))[None].to(device)
        made = model.glance(self._preprocessing.normalise(seen))
        looks = {Branch.RB: made.regression, Branch.CB: made.classification}
        maps = {
            branch: class_activation_maps(look, model.classifier)[0]
            for branch, look in looks.items()
            if look is not None
        }
        answers = _answers(model, {branch: values.mean((1, 2)) for branch, values in maps.items()})
        panes = [sample.frame.copy()]
        for branch, values in maps.items():
            pane = sample.frame.copy()
            top = values[int(answers[branch].argmax())].float().cpu().numpy()
            box = placement.box
            part = pane[box.top : box.top + box.height, box.left : box.left + box.width]
            if np.isfinite(top).all():  # a run whose loss is no number any more validates once more
                blend_heat(part, top)
            panes.append(pane)
        name = f"{iteration:07}-{number}.png"
        _write(self._folder / name, panes)
        said = {
            str(branch): (str(self._source.classes[int(scores.argmax())]), float(scores.max()))
            for branch, scores in answers.items()
        }
        return SampledClip(picture=f"{self._folder.name}/{name}", video=sample.video, label=sample.label, answers=said)


def choose_clips(source: ClipSource, count: int) -> list[int]:
    """Return clips of as many classes as possible, the first of each, then the second."""
    by_class: dict[int, list[int]] = {}
    for index in range(len(source)):
        by_class.setdefault(source.label(index), []).append(index)
    rounds = max(map(len, by_class.values()), default=0)
    ordered = [clips[turn] for turn in range(rounds) for _, clips in sorted(by_class.items()) if turn < len(clips)]
    return ordered[:count]


def _answers(model: TMNet, scores: Mapping[Branch, Tensor]) -> dict[Branch, Tensor]:
    logits = {branch: values + model.classifier.bias for branch, values in scores.items()}
    answers = {branch: values.softmax(-1) for branch, values in logits.items()}
    if len(logits) == 2:
        answers[Branch.FUSED] = model.fuse(logits[Branch.RB][None], logits[Branch.CB][None])[0]
    return answers


def _write(path: Path, panes: list[Image]) -> None:
    shrunk = [shrink(pane[None], _HEIGHT)[0] for pane in panes]
    gap = np.zeros((shrunk[0].shape[0], _GAP, 3), np.uint8)
    row = [part for pane in shrunk for part in (pane, gap)][:-1]
    done, data = cv2.imencode(".png", cv2.cvtColor(np.hstack(row), cv2.COLOR_RGB2BGR))
    assert done
    with replacing(path) as temporary:
        temporary.write_bytes(data.tobytes())
