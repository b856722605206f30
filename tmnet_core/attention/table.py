"""What was seen in every frame, as lines of a CSV or JSON lines file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, Self

from pydantic import BaseModel, Field

from tmnet_core.attention.agreement import Agreement
from tmnet_core.attention.clip_memory import ClipAnswer
from tmnet_core.errors import TMNetError
from tmnet_core.files import growing
from tmnet_core.live.frames import Glance
from tmnet_core.live.glance_file import ClassProbability, GlanceLine, glance_line
from tmnet_core.models.branch import Branch

FORMATS = (".csv", ".jsonl")


class ClipLine(BaseModel):
    """What CB says about the clip that ends with a frame (`ClipAnswer`).

    Attributes:
        frames: how many different frames it was made of.
        answer: its top class.
        same_answer: whether that is the top class of the glance.
        cosine: of F_reg with F_cls of the clip.
        distance: between the two, over the length of the latter.
        map_correlation: of RB's map with the mean of CB's over the clip, for the class that RB's map is of.
    """

    frames: int
    answer: ClassProbability
    same_answer: bool
    cosine: float | None
    distance: float | None
    map_correlation: float | None


class AttentionLine(GlanceLine):
    """A glance, and how its maps lie to motion.

    Attributes:
        shown: the class of each branch's map.
        motion: `motion`, `no motion`, `scene cut` or `no frame before`.
        moving: the share of the network's box that moves; None unless `motion`.
        agreement: by branch and for a fixed `centre`, in [-1, 1]; empty without motion, or without others to compare.
        against: whose motion the maps were compared with as well.
        clip: glance against clip; None where the network has no memory.
        second: what a second network said of the same frame; None without one.
    """

    shown: dict[str, str]
    motion: str = ""
    moving: float | None = None
    agreement: dict[str, float] = Field(default_factory=dict)
    against: str = ""
    clip: ClipLine | None = None
    second: GlanceLine | None = None

    def cells(self, branches: tuple[Branch, ...], top: int, second: tuple[Branch, ...] = ()) -> dict[str, object]:
        """Return the line as the columns of a table; `second` are the branches of a second network."""
        cells: dict[str, object] = {"frame": self.frame, "time": self.time}
        cells |= _answer_cells(self, branches, top)
        cells |= {"motion": self.motion, "moving": self.moving, "against": self.against}
        compared = [*(branch for branch in branches if branch is not Branch.FUSED), "centre"]
        cells |= {f"agreement {name}": self.agreement.get(name) for name in compared}
        if self.clip is not None:
            clip = self.clip
            cells |= {"clip frames": clip.frames, "clip CB": clip.answer.name, "clip agrees": clip.same_answer}
            cells |= {"clip cosine": clip.cosine, "clip distance": clip.distance}
            cells["clip map correlation"] = clip.map_correlation
        cells["milliseconds"] = round(sum(self.milliseconds.values()), 3)
        if second:
            cells |= {f"second {name}": value for name, value in _answer_cells(self.second, second, top).items()}
        return cells


def _answer_cells(line: GlanceLine | None, branches: tuple[Branch, ...], top: int) -> dict[str, object]:
    """The columns of one network's answers; empty ones where it could not look."""
    answer = [("answer", "probability", line.answer if line else None)]
    for branch in branches:
        best: list[ClassProbability | None] = [*line.branches[branch]] if line else []
        best += [None] * (top - len(best))
        answer += [(f"{branch} {n}", f"{branch} {n} probability", one) for n, one in enumerate(best[:top], start=1)]
    cells: dict[str, object] = {}
    for name, probability, one in answer:
        cells |= {name: one.name if one else None, probability: one.probability if one else None}
    return cells


def attention_line(
    glance: Glance,
    classes: list[str],
    shown: dict[Branch, int],
    agreement: Agreement | None,
    clip: ClipAnswer | None,
    top: int,
    second: GlanceLine | None = None,
) -> AttentionLine:
    """Return what is known of one frame; `shown` says whose map each branch shows."""
    line = AttentionLine(
        **dict(glance_line(glance, classes, max(1, top))),
        shown={str(branch): classes[k] for branch, k in shown.items()},
        clip=None if clip is None else _clip_line(glance, classes, shown, clip),
        second=second,
    )
    if agreement is None:
        return line
    found = {str(branch): one.agreement for branch, one in agreement.branches.items()}
    found |= {"centre": agreement.centre.agreement} if agreement.centre else {}
    return line.model_copy(
        update={
            "motion": str(agreement.state),
            "moving": round(agreement.moving, 4) if agreement.branches else None,
            "agreement": {name: round(value, 4) for name, value in found.items() if value is not None},
            "against": str(agreement.others or ""),
        }
    )


def _clip_line(glance: Glance, classes: list[str], shown: dict[Branch, int], clip: ClipAnswer) -> ClipLine:
    top = int(clip.probabilities.argmax())
    correlation = clip.map_correlation(glance, shown[Branch.RB]) if Branch.RB in shown else None
    return ClipLine(
        frames=clip.frames,
        answer=ClassProbability(name=classes[top], probability=round(float(clip.probabilities[top]), 5)),
        same_answer=clip.same_answer,
        cosine=_rounded(clip.cosine),
        distance=_rounded(clip.distance),
        map_correlation=_rounded(correlation),
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


class AttentionTable:
    """Writes one line a frame; by its name a table (`.csv`) or JSON lines (`.jsonl`)."""

    def __init__(
        self,
        path: Path,
        file: IO[str] | None,
        branches: tuple[Branch, ...] = (),
        top: int = 1,
        second: tuple[Branch, ...] = (),
    ) -> None:
        self._path, self._file, self._branches, self._top, self._second = path, file, branches, top, second
        self._rows: csv.DictWriter[str] | None = None

    @classmethod
    @contextmanager
    def open(
        cls, path: Path | None, branches: tuple[Branch, ...], top: int, second: tuple[Branch, ...] = ()
    ) -> Iterator[Self]:
        """Open a file that takes its name when the block succeeds, and stays as `NAME.part.EXT` when it fails.

        With None for a path the lines go nowhere. `second` are the branches of a second network.

        Raises:
            TMNetError: its name ends neither in .csv nor in .jsonl, or it cannot be written.
        """
        if path is None:
            yield cls(Path(), None)
            return
        table_kind(path)
        with growing(path) as temporary:
            try:
                # Line by line, so that a full disk is met where a line is added.
                file = temporary.open("w", encoding="utf-8", newline="", buffering=1)
            except OSError as error:
                raise TMNetError(f"{path} cannot be written: {error.strerror}") from None
            with file:
                yield cls(path, file, branches, top, second)

    def add(self, line: AttentionLine) -> None:
        """Write one line; TMNetError where the disk is full."""
        if self._file is None:
            return
        try:
            self._write(self._file, line)
        except OSError as error:
            raise TMNetError(f"{self._path} cannot be written on: {error.strerror}") from None

    def _write(self, file: IO[str], line: AttentionLine) -> None:
        if table_kind(self._path) == ".jsonl":
            file.write(json.dumps(line.model_dump(), ensure_ascii=False) + "\n")
            return
        cells = line.cells(self._branches, self._top, self._second)
        if self._rows is None:
            self._rows = csv.DictWriter(file, list(cells))
            self._rows.writeheader()
        self._rows.writerow(cells)


def table_kind(path: Path) -> Literal[".csv", ".jsonl"]:
    """Return which kind of table a name asks for; TMNetError where neither."""
    for kind in FORMATS:
        if path.suffix.lower() == kind:
            return kind  # type: ignore[return-value]
    raise TMNetError(f"{path}: a table's name ends in {' or '.join(FORMATS)}")
