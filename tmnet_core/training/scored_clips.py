"""Which clips an evaluation looks at: those that the network was not trained on, as far as its file tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tmnet_core.checkpoint import CheckpointHeader, TrainingSummary
from tmnet_core.config import DataSection, load_data_section
from tmnet_core.data.clip_sources import data_name, open_all_clips, open_validation_clips
from tmnet_core.data.clips import ChosenClips, ClipSource
from tmnet_core.data.datasets import SYNTHETIC_PEOPLE, data_form
from tmnet_core.errors import DataError
from tmnet_core.training.run_folder import BEST_NAME

Part = Literal["auto", "validation", "all"]
OnePart = Literal["validation", "all"]

_UNKNOWN = "The checkpoint does not say which clips it was trained on: some of these may be among them."

# What chooses the validation clips of a form. Synthetic people of the two sides never meet, whatever the seed.
_CHOSEN_BY: dict[str, tuple[str, ...]] = {
    "folders": ("split_seed", "validation_fraction"),
    "csv": ("split_seed", "validation_fraction"),
    "ucf101": ("split",),
    "hmdb51": ("split",),
}


@dataclass(frozen=True, slots=True)
class OpenedPart:
    """Clips to look at.

    Attributes:
        part: which they are.
        notes: a sentence for each thing about them that figures of them must say.
    """

    part: OnePart
    clips: ClipSource
    notes: tuple[str, ...] = ()


def open_part(data: str, part: Part, header: CheckpointHeader, changes: Sequence[str] = ()) -> OpenedPart:
    """Return the clips to look at; their classes must be the checkpoint's.

    `auto` takes those kept for validation if the checkpoint was trained on a data set of this name, else all. Clips
    that the network was trained on are left out, whatever they are called now, unless `all` is asked for. `changes`
    are `key=value` for the data section, as the command line takes them.

    Raises:
        DataError: there are no such clips, the classes of the two differ, or the clips may be trained on.
    """
    # Without a training summary there is no record of a split: take the recipe's defaults.
    training = header.training
    automatic: OnePart = "validation" if training and training.data == data_name(data) else "all"
    chosen = automatic if part == "auto" else part
    before = training.model_dump(include={"validation_fraction", "split_seed", "split"}) if training else {}
    section = load_data_section(data, changes, **before)
    if chosen == "all" and data != SYNTHETIC_PEOPLE:
        clips = open_all_clips(section)
    else:
        _refuse_another_split(section, training)
        clips = open_validation_clips(section)
    unknown = sorted(set(clips.classes) ^ set(header.classes))
    if unknown:
        raise DataError(f"data {data}: its classes are not the checkpoint's, which differ by {', '.join(unknown[:3])}")
    if training is None or data == SYNTHETIC_PEOPLE:
        return OpenedPart(chosen, clips)
    if training.trained_on is None:
        return OpenedPart(chosen, clips, (_UNKNOWN,))
    seen = training.trained_on.found_in(clips)
    if part == "all":
        return OpenedPart(chosen, clips, (f"The network was trained on {len(seen)} of these clips.",) if seen else ())
    return _without(seen, chosen, clips, data)


def _without(seen: list[int], part: OnePart, clips: ClipSource, data: str) -> OpenedPart:
    """Leave out clips that were trained on; raises DataError where no other is left."""
    if not seen:
        return OpenedPart(part, clips)
    if len(seen) == len(clips):
        raise DataError(
            f"data {data}: the network was trained on all {len(clips)} of its clips; --part all looks at them even so"
        )
    known = set(seen)
    others = ChosenClips(clips, [index for index in range(len(clips)) if index not in known])
    note = f"{len(seen)} of {len(clips)} clips are left out, because the network was trained on them."
    return OpenedPart(part, others, (note,))


def how_chosen(checkpoint: Path, header: CheckpointHeader, opened: OpenedPart) -> list[str]:
    """Say where a network is the best of its run by the very clips that it is to be looked at with."""
    training = header.training
    if training is None:
        return []
    if training.chosen_on is not None:
        count = len(training.chosen_on.found_in(opened.clips))
    else:
        # Checkpoints of before are known by their name alone.
        before = training.trained_on is None and checkpoint.name == BEST_NAME and opened.part == "validation"
        count = len(opened.clips) if before else 0
    if not count:
        return []
    which = "these" if count == len(opened.clips) else f"{count} of these"
    return [f"The network was chosen as the best of its run on {which} clips, so the figures are rather too high."]


def _refuse_another_split(data: DataSection, training: TrainingSummary | None) -> None:
    """Raise where some of the data's validation clips may be those that the network was trained on."""
    if training is None or training.data != data_name(data.root):
        return
    form = data_form(data)
    # Checkpoints of before do not say their form.
    if training.form and form != training.form:
        raise DataError(
            f"data {data.root}: the checkpoint's validation clips were chosen by {training.form!r}, these are by "
            f"{form!r}; say --set data.annotations=, --set data.validation_root=, or --part all"
        )
    for key in _CHOSEN_BY.get(form, ()):
        trained, now = getattr(training, key), getattr(data, key)
        if now != trained:
            raise DataError(
                f"data {data.root}: the checkpoint was trained with data.{key} = {trained}, and with {now} some of its "
                f"training clips would be validated on; leave data.{key} out, or say --part all"
            )
