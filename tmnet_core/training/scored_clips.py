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

_UNKNOWN = "does not say which clips it was trained on: some of these may be among them."

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


def open_part(
    data: str,
    part: Part,
    header: CheckpointHeader,
    changes: Sequence[str] = (),
    *,
    others: Sequence[CheckpointHeader] = (),
) -> OpenedPart:
    """Return the clips to look at, with labels in the order of the checkpoint's classes, which must be theirs.

    `auto` takes those kept for validation if the checkpoint was trained on a data set of this name, else all. Clips
    that the network was trained on are left out, whatever they are called now, unless `all` is asked for. `changes`
    are `key=value` for the data section, as the command line takes them. `others` are of networks that look at the
    same clips, which none of them may have been trained on.

    Raises:
        DataError: there are no such clips, the classes differ, or the clips may be trained on.
    """
    # Without a training summary there is no record of a split: take the recipe's defaults.
    trainings = [one.training for one in (header, *others) if one.training]
    automatic: OnePart = "validation" if any(one.data == data_name(data) for one in trainings) else "all"
    chosen = automatic if part == "auto" else part
    keys = {"validation_fraction", "split_seed", "split"}
    before = trainings[0].model_dump(include=keys) if trainings else {}
    section = load_data_section(data, changes, **before)
    if chosen == "all" and data != SYNTHETIC_PEOPLE:
        clips = open_all_clips(section)
    else:
        for training in trainings:
            _refuse_another_split(section, training)
        clips = open_validation_clips(section)
    _refuse_other_classes(data, clips, (header, *others))
    clips = in_order(clips, header.classes)
    if not trainings or data == SYNTHETIC_PEOPLE:
        return OpenedPart(chosen, clips)
    known = [one.trained_on for one in trainings if one.trained_on is not None]
    which = "One of the networks" if others else "The network"
    notes = (f"{which} {_UNKNOWN}",) if len(known) < len(trainings) else ()
    seen = {index for one in known for index in one.found_in(clips)}
    trained = "one of the networks was" if others else "the network was"
    if part == "all" or not seen:
        told = (f"{trained[0].upper()}{trained[1:]} trained on {len(seen)} of these clips.",) if seen else ()
        return OpenedPart(chosen, clips, (*notes, *told))
    unseen = [index for index in range(len(clips)) if index not in seen]
    if not unseen:
        raise DataError(
            f"data {data}: {trained} trained on all {len(clips)} of its clips; --part all looks at them even so"
        )
    left_out = f"{len(seen)} of {len(clips)} clips are left out, because {trained} trained on them."
    return OpenedPart(chosen, ChosenClips(clips, unseen), (*notes, left_out))


def in_order(clips: ClipSource, classes: Sequence[str]) -> ClipSource:
    """Return clips with their labels in this order of their classes."""
    return clips if list(clips.classes) == list(classes) else ChosenClips(clips, range(len(clips)), classes)


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
    return [
        f"{checkpoint.name} was chosen as the best of its run on {which} clips, so its figures are rather too high."
    ]


def _refuse_other_classes(data: str, clips: ClipSource, headers: Sequence[CheckpointHeader]) -> None:
    for header in headers:
        unknown = sorted(set(clips.classes) ^ set(header.classes))
        if unknown:
            names = ", ".join(unknown[:3])
            raise DataError(f"data {data}: its classes are not the checkpoint's, which differ by {names}")


def _refuse_another_split(data: DataSection, training: TrainingSummary) -> None:
    """Raise where some of the data's validation clips may be those that the network was trained on."""
    if training.data != data_name(data.root):
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
