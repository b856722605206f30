from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tmnet_core.checkpoint import CheckpointHeader, save_checkpoint
from tmnet_core.config import ClipSection
from tmnet_core.data.clip_sources import open_all_clips
from tmnet_core.data.sampling import ClipSampling
from tmnet_core.errors import CheckpointError, DataError
from tmnet_core.models.branch import Branch
from tmnet_core.models.tmnet import TMNet
from tmnet_core.models.variants import build_model
from tmnet_core.training.evaluation import Examiner, Glances, bootstrap_interval, evaluate_checkpoint


def make_glances(videos: int = 40, key_frames: int = 3, classes: int = 7) -> Glances:
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(videos) % (classes - 1)  # the last class does not occur
    scores = torch.rand(videos, key_frames, classes, generator=generator)
    scores[torch.arange(videos), :, labels] += 0.3
    return Glances(labels, {Branch.CB: (4 * scores).softmax(-1)}, ())


def average_precision(scores: list[float], relevant: list[bool]) -> float:
    """The plain definition: the mean of the precision at each relevant item."""
    ranked = [r for _, r in sorted(zip(scores, relevant, strict=True), key=lambda pair: -pair[0])]
    precisions = [sum(ranked[: i + 1]) / (i + 1) for i, hit in enumerate(ranked) if hit]
    return sum(precisions) / len(precisions)


def test_metrics_equal_a_slow_reference() -> None:
    glances = make_glances()
    rows = [
        (row.tolist(), int(label))
        for video, label in zip(glances.probabilities[Branch.CB], glances.labels, strict=True)
        for row in video
    ]
    metrics = glances.metrics()["CB"]
    order = [sorted(range(7), key=lambda k: -row[k]) for row, _ in rows]
    hits = [ranked[0] == label for ranked, (_, label) in zip(order, rows, strict=True)]
    assert metrics["top1"] == pytest.approx(sum(hits) / len(hits))
    assert metrics["top5"] == pytest.approx(
        sum(label in ranked[:5] for ranked, (_, label) in zip(order, rows, strict=True)) / len(rows)
    )
    precisions = [average_precision([row[k] for row, _ in rows], [label == k for _, label in rows]) for k in range(6)]
    assert metrics["map"] == pytest.approx(sum(precisions) / 6, abs=1e-6)
    per_class = [np.mean([hit for hit, (_, label) in zip(hits, rows, strict=True) if label == k]) for k in range(6)]
    assert metrics["mean_class"] == pytest.approx(np.mean(per_class), abs=1e-6)


def test_hits_are_shares_of_right_glances_by_video() -> None:
    probabilities = torch.tensor([[[0.9, 0.1], [0.2, 0.8]], [[0.1, 0.9], [0.3, 0.7]]])
    glances = Glances(torch.tensor([0, 1]), {Branch.RB: probabilities}, ())
    assert glances.hits(Branch.RB).tolist() == [0.5, 1.0]


def test_the_interval_narrows_as_theory_says() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0.2, 1.0, 400)
    low, high = bootstrap_interval(values, resamples=2000)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 / 400**0.5, rel=0.15)


MakeHeader = Callable[..., CheckpointHeader]


def save_untrained(path: Path, header: CheckpointHeader) -> TMNet:
    model = build_model(header.model, len(header.classes))
    save_checkpoint(path, model, header)
    return model


def test_evaluating_a_checkpoint_on_a_folder(tmp_path: Path, coloured_clips: Path, make_header: MakeHeader) -> None:
    header = make_header().model_copy(update={"classes": ["blue", "green", "red"]})
    save_untrained(tmp_path / "net.safetensors", header)
    told: list[tuple[int, int]] = []
    evaluation = evaluate_checkpoint(
        tmp_path / "net.safetensors",
        str(coloured_clips),
        key_frames=2,
        device="cpu",
        progress=lambda done, total: told.append((done, total)),
    )
    assert (evaluation.part, evaluation.videos, evaluation.key_frames) == ("all", 18, 2)
    assert list(evaluation.metrics) == ["RB", "CB", "RB+CB"]
    # RB starts as a copy of CB: untrained, they answer alike.
    assert evaluation.metrics["RB"] == evaluation.metrics["CB"]
    assert evaluation.differences["RB - CB"].interval == (0.0, 0.0)
    assert told[-1] == (18, 18)


def test_other_classes_are_refused(tmp_path: Path, coloured_clips: Path, make_header: MakeHeader) -> None:
    save_untrained(tmp_path / "net.safetensors", make_header())
    with pytest.raises(DataError, match=r"its classes are not the checkpoint's, which differ by blue, green, jump"):
        evaluate_checkpoint(tmp_path / "net.safetensors", str(coloured_clips), device="cpu")


def test_unreadable_clips_are_listed(tmp_path: Path, make_video: Callable[..., Path], make_header: MakeHeader) -> None:
    for name in ("jump", "run", "wave"):
        make_video(f"data/{name}/{name}.mp4", frames=4)
    (tmp_path / "data/run/broken.mp4").write_bytes(b"")
    save_untrained(tmp_path / "net.safetensors", make_header())
    evaluation = evaluate_checkpoint(tmp_path / "net.safetensors", str(tmp_path / "data"), device="cpu")
    assert evaluation.videos == 3
    assert len(evaluation.unreadable) == 1
    assert "broken.mp4" in evaluation.unreadable[0]


def test_whole_clips_are_looked_at_as_in_training(
    tmp_path: Path, coloured_clips: Path, make_header: MakeHeader
) -> None:
    header = make_header().model_copy(update={"classes": ["blue", "green", "red"]})
    save_untrained(tmp_path / "net.safetensors", header)
    evaluation = evaluate_checkpoint(tmp_path / "net.safetensors", str(coloured_clips), whole_clips=True, device="cpu")
    # Without a training summary a clip is the recipe's default, of 16 frames.
    assert (evaluation.clip_frames, evaluation.videos) == (16, 18)
    assert list(evaluation.metrics) == ["RB", "CB", "RB+CB"]
    assert evaluation.title == f"16 frames of net.safetensors at {coloured_clips.name}"


def test_a_clip_s_answer_is_the_model_s_for_that_clip(coloured_clips: Path, make_header: MakeHeader) -> None:
    torch.manual_seed(0)
    header = make_header()
    model = build_model(header.model, 3).eval()
    clips = open_all_clips(str(coloured_clips))
    clip = ClipSection(frames=4, interval=2, key_frame="ending")
    examiner = Examiner(clips, header.preprocessing, key_frames=1, batch=2, clip=clip)
    glances = examiner.examine(model, torch.device("cpu"))
    assert glances.probabilities[Branch.CB].shape == (18, 1, 3)
    frames = clips.read(0, ClipSampling("interval", 4, 2).indices(12).tolist())
    placement = header.preprocessing.place(width=frames.shape[2], height=frames.shape[1])
    cut = torch.from_numpy(np.stack([header.preprocessing.cut(frame, placement) for frame in frames]))
    with torch.inference_mode():
        # The ending's middle is at five sixths.
        features = model(header.preprocessing.normalise(cut[None]), torch.tensor([5 / 6]))
        regression = model.classify(features.regression).softmax(-1)
    torch.testing.assert_close(glances.probabilities[Branch.RB][:1, 0], regression)


def test_a_network_that_needs_clips_is_not_asked_for_a_glance(
    tmp_path: Path, coloured_clips: Path, make_header: MakeHeader
) -> None:
    header = make_header(variant="r3d-18", width=1.0).model_copy(update={"classes": ["blue", "green", "red"]})
    save_untrained(tmp_path / "net.safetensors", header)
    with pytest.raises(CheckpointError, match=r"R3D-18 needs a clip, not one frame; evaluate it on whole clips"):
        evaluate_checkpoint(tmp_path / "net.safetensors", str(coloured_clips), device="cpu")
    evaluation = evaluate_checkpoint(tmp_path / "net.safetensors", str(coloured_clips), whole_clips=True, device="cpu")
    assert list(evaluation.metrics) == ["CB"]
