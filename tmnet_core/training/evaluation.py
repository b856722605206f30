"""What a network says about many clips, from single frames or from whole clips: the scores that figures are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tmnet_core.config import ClipSection, KeyFrameSegment
from tmnet_core.data.clips import ClipSource, GlanceDataset, UnreadableVideo, build_loader
from tmnet_core.data.preprocessing import Crops, Preprocessing
from tmnet_core.data.sampling import clip_sampling, key_frame_fraction, spread_fractions
from tmnet_core.errors import DataError
from tmnet_core.models.branch import Branch
from tmnet_core.training.answering import Answerer
from tmnet_core.training.metrics import Confusion, Shares, by_class, confusion, summarise


@dataclass(frozen=True)
class Glances:
    """What a network said about the key frames of N videos.

    Attributes:
        labels: N.
        probabilities: by branch, N×n×K for n key frames a video, or N×1×K for one clip of each.
        unreadable: the videos that were left out.
        lengths: the frames of each of the N videos.
    """

    labels: Tensor
    probabilities: dict[Branch, Tensor]
    unreadable: tuple[UnreadableVideo, ...]
    lengths: tuple[int, ...] = ()

    def metrics(self) -> dict[str, dict[str, float]]:
        """Return `top1`, `top5`, `map` and `mean_class` by branch, in [0, 1].

        Each key frame counts as a glance of its own: these are means over glances, not scores of averaged answers.
        `map` is the mean over classes of the average precision, `mean_class` that of the accuracy. The paper's
        "mAP" stays within half a point of its acc@1 throughout, as `mean_class` does and average precision does not.
        """
        return {str(branch): summarise(*self._flat(branch)) for branch in self.probabilities}

    def by_class(self, branch: Branch) -> tuple[Shares, Shares]:
        """Return each class's accuracy and average precision, not a number for a class that does not occur."""
        return by_class(*self._flat(branch))

    def confusion(self, branch: Branch) -> Confusion:
        """Return K×K counts of glances, by true class (row) and answered class (column)."""
        return confusion(*self._flat(branch))

    def hits(self, branch: Branch) -> Shares:
        """Return, for each of the N videos, the share of its glances whose top class is right."""
        right = self.probabilities[branch].argmax(-1) == self.labels[:, None]
        return right.double().mean(1).numpy()

    def _flat(self, branch: Branch) -> tuple[Tensor, Tensor]:
        """Return the scores of all glances, and their labels."""
        scores = self.probabilities[branch]
        return scores.flatten(0, 1), self.labels.repeat_interleave(scores.shape[1])


def answered(clips: ClipSource, glances: Glances) -> list[int]:
    """Return which of the clips the glances are of, in their order."""
    left_out = {video.index for video in glances.unreadable}
    return [index for index in range(len(clips)) if index not in left_out]


def join_glances(parts: Sequence[Glances]) -> Glances:
    """Return what was said about several parts of the same clips as one; at least one part is needed."""
    return Glances(
        torch.cat([part.labels for part in parts]),
        {branch: torch.cat([part.probabilities[branch] for part in parts]) for branch in parts[0].probabilities},
        tuple(video for part in parts for video in part.unreadable),
        tuple(length for part in parts for length in part.lengths),
    )


class Examiner:
    """Looks at the same clips again and again, as a run does at each validation; its workers stay in between.

    Args:
        key_frames: how many frames of every clip are looked at, each alone, preprocessed as the live view does.
        batch: clips at once.
        clip: look at one clip of every video, all its frames together, in the place of single frames.
        within: take the key frames from this third of the video, spread over it; None: from all of it.
        crops: 1 as the live view crops, or 10: corners and centre, each mirrored too, their logits averaged.
    """

    def __init__(
        self,
        source: ClipSource,
        preprocessing: Preprocessing,
        *,
        key_frames: int,
        batch: int,
        workers: int = 0,
        clip: ClipSection | None = None,
        within: KeyFrameSegment | None = None,
        crops: Crops = 1,
    ) -> None:
        self.crops = crops
        self.key_frame = None if clip is None else key_frame_fraction(clip.key_frame)
        sampling = None if clip is None else clip_sampling(clip)
        fractions = spread_fractions(key_frames, within)
        self.dataset = GlanceDataset(source, preprocessing, fractions, sampling, crops=crops)
        self.loader = build_loader(self.dataset, batch, workers=workers)

    def examine(
        self,
        answerer: Answerer,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Glances:
        """Let an answerer look at every video; `progress` is told how many of them are done.

        Raises:
            DataError: where no clip can be read.
        """
        labels: list[Tensor] = []
        unreadable: list[UnreadableVideo] = []
        lengths: list[int] = []
        probabilities: dict[Branch, list[Tensor]] = {}
        for seen in self.loader:
            unreadable += seen.unreadable
            if len(seen):
                labels.append(seen.label)
                lengths += seen.lengths
                frames = seen.frames.reshape(len(seen), -1, self.crops, *seen.frames.shape[2:])
                for branch, scores in answerer.answer(frames, self.key_frame).items():
                    probabilities.setdefault(branch, []).append(scores)
            progress(sum(map(len, labels)) + len(unreadable), len(self.dataset))
        if not labels:
            raise DataError(f"none of the {len(self.dataset)} clips can be read: {unreadable[0].reason}")
        stacked = {branch: torch.cat(scores) for branch, scores in probabilities.items()}
        return Glances(torch.cat(labels), stacked, tuple(unreadable), tuple(lengths))
