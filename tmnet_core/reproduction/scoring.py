"""What a finished run scores, looked at in one way, kept beside its checkpoint so that it is computed once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from pydantic import BaseModel, ValidationError

from tmnet_core.checkpoint import load_checkpoint, read_header
from tmnet_core.data.clip_sources import open_validation_clips
from tmnet_core.data.clips import source_of
from tmnet_core.data.fingerprints import digest_clips
from tmnet_core.files import replacing
from tmnet_core.training.answering import NetworkAnswerer
from tmnet_core.training.evaluation import Examiner, answered
from tmnet_core.training.look import Look
from tmnet_core.training.run_folder import RunFolder
from tmnet_core.training.scored_network import trained_clip


class Score(BaseModel):
    """The figures of one run and look.

    Attributes:
        made: when the checkpoint was made that was looked at.
        clips: changes with the clips that it was looked at with; a file without it is not read.
        metrics: by branch, in [0, 1].
        videos: what each video is called, in the order of `hits`.
        sources: of each video the source that it was cut from.
        hits: by branch, for each video the share of its glances whose top class is right.
        unreadable: videos that were left out.
    """

    made: str
    clips: str
    metrics: dict[str, dict[str, float]]
    videos: list[str]
    sources: list[str]
    hits: dict[str, list[float]]
    unreadable: int


def score_run(
    run: RunFolder,
    look: Look,
    device: torch.device,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Score:
    """Look at the validation clips with a run's last checkpoint, unless that was done before with the same ones.

    The last one, not the best: the best was chosen on these clips.

    Raises:
        TMNetError: where checkpoint or clips cannot be read.
    """
    made = read_header(run.last_checkpoint).provenance.created
    kept = run.path / f"score-{_look_name(look)}.json"
    recipe = run.recipe()
    clips = open_validation_clips(recipe.data)
    digest = digest_clips(clips)
    found = _read(kept)
    if found is not None and (found.made, found.clips) == (made, digest):
        return found
    loaded = load_checkpoint(run.last_checkpoint, device)
    loaded.model.fusion = look.fusion or loaded.model.fusion
    examiner = Examiner(
        clips,
        loaded.header.preprocessing,
        key_frames=look.key_frames,
        batch=recipe.training.validation_batch,
        workers=recipe.training.workers,
        clip=look.clip(trained_clip(loaded.header)),
        within=look.key_frame,
        crops=look.crops,
    )
    answerer = NetworkAnswerer(loaded.model, loaded.header.preprocessing, device)
    glances = examiner.examine(answerer, progress)
    readable = answered(clips, glances)
    score = Score(
        made=made,
        clips=digest,
        metrics=glances.metrics(),
        videos=[clips.name(index) for index in readable],
        sources=[source_of(clips, index) for index in readable],
        hits={str(branch): glances.hits(branch).tolist() for branch in glances.probabilities},
        unreadable=len(glances.unreadable),
    )
    with replacing(kept) as temporary:
        temporary.write_text(score.model_dump_json(), encoding="utf-8")
    return score


def _look_name(look: Look) -> str:
    return hashlib.sha256(json.dumps(asdict(look), sort_keys=True).encode()).hexdigest()[:8]


def _read(path: Path) -> Score | None:
    """Return what was kept; None where there is nothing that can be used."""
    try:
        return Score.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None
