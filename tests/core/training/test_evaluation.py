from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from tmnet_core.checkpoint import CheckpointHeader
from tmnet_core.config import ClipSection, DataSection
from tmnet_core.data.clip_sources import open_all_clips
from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.data.sampling import ClipSampling
from tmnet_core.models.branch import Branch
from tmnet_core.models.variants import build_model
from tmnet_core.training.answering import NetworkAnswerer
from tmnet_core.training.evaluation import Examiner, Glances

MakeHeader = Callable[..., CheckpointHeader]
CPU = torch.device("cpu")


def test_each_key_frame_counts_as_a_glance_of_its_own() -> None:
    probabilities = torch.tensor([[[0.9, 0.1], [0.2, 0.8]], [[0.1, 0.9], [0.3, 0.7]]])
    glances = Glances(torch.tensor([0, 1]), {Branch.RB: probabilities}, ())
    assert glances.hits(Branch.RB).tolist() == [0.5, 1.0]
    assert glances.metrics()["RB"]["top1"] == 0.75
    assert glances.confusion(Branch.RB).tolist() == [[1, 1], [0, 2]]
    assert glances.by_class(Branch.RB)[0].tolist() == [0.5, 1.0]


def test_a_clip_s_answer_is_the_model_s_for_that_clip(coloured_clips: Path, make_header: MakeHeader) -> None:
    torch.manual_seed(0)
    header = make_header()
    model = build_model(header.model, 3).eval()
    clips = open_all_clips(DataSection(root=str(coloured_clips)))
    clip = ClipSection(frames=4, interval=2, key_frame="ending")
    examiner = Examiner(clips, header.preprocessing, key_frames=1, batch=2, clip=clip)
    glances = examiner.examine(NetworkAnswerer(model, header.preprocessing, CPU))
    assert glances.probabilities[Branch.CB].shape == (18, 1, 3)
    frames = clips.read(0, ClipSampling("interval", 4, 2).indices(12).tolist())
    placement = header.preprocessing.place(width=frames.shape[2], height=frames.shape[1])
    cut = torch.from_numpy(np.stack([header.preprocessing.cut(frame, placement) for frame in frames]))
    with torch.inference_mode():
        # The ending's middle is at five sixths.
        features = model(header.preprocessing.normalise(cut[None]), torch.tensor([5 / 6]))
        regression = model.classify(features.regression).softmax(-1)
    torch.testing.assert_close(glances.probabilities[Branch.RB][:1, 0], regression)


def test_glances_within_a_third_are_of_that_third(coloured_clips: Path, make_header: MakeHeader) -> None:
    clips = open_all_clips(DataSection(root=str(coloured_clips)))
    header = make_header()
    examiner = Examiner(clips, header.preprocessing, key_frames=2, batch=2, within="ending")
    # Clips of twelve frames: the ending is 8 to 11, the middles of its halves 9 and 11.
    seen = clips.read(0, [9, 11])
    placement = header.preprocessing.place(width=seen.shape[2], height=seen.shape[1])
    expected = np.stack([header.preprocessing.cut(frame, placement) for frame in seen])
    assert np.array_equal(examiner.dataset[0]["frames"].numpy(), expected)


def test_ten_crops_are_the_mean_logit_of_each_crop_alone(coloured_clips: Path, make_header: MakeHeader) -> None:
    torch.manual_seed(0)
    preprocessing = Preprocessing(size=32, crop_fraction=0.6)
    model = build_model(make_header().model, 3).eval()
    torch.nn.init.normal_(model.classifier.weight)
    clips = open_all_clips(DataSection(root=str(coloured_clips)))
    height, width = clips.read(0, [0]).shape[1:3]
    side = round(0.6 * height)
    # In 96×64 pixels: squares of 38 at the corners and the centre.
    corners = [(0, 0), (0, width - side), (height - side, 0), (height - side, width - side)]
    corners.append(((height - side) // 2, (width - side) // 2))

    def crops(frame: np.ndarray) -> list[np.ndarray]:
        whole = Preprocessing(size=32, crop="whole")
        squares = [frame[top : top + side, left : left + side] for top, left in corners]
        small = [whole.cut(square, whole.place(side, side)) for square in squares]
        return [*small, *(square[:, ::-1] for square in small)]

    def logits(frames: list[np.ndarray]) -> torch.Tensor:
        clip = preprocessing.normalise(torch.from_numpy(np.stack(frames))[None])
        return model.classify(model(clip, torch.tensor([0.5])).classification)[0]

    with torch.inference_mode():
        one = crops(clips.read(0, [6])[0])
        glance = torch.stack([logits([crop]) for crop in one]).mean(0).softmax(-1)
        # T = 2 at interval 2, centred in twelve frames: 4 and 6.
        two = [crops(frame) for frame in clips.read(0, ClipSampling("interval", 2, 2).indices(12).tolist())]
        clip = torch.stack([logits(list(pair)) for pair in zip(*two, strict=True)]).mean(0).softmax(-1)
    for expected, section in ((glance, None), (clip, ClipSection(frames=2))):
        examiner = Examiner(clips, preprocessing, key_frames=1, batch=3, clip=section, crops=10)
        found = examiner.examine(NetworkAnswerer(model, preprocessing, CPU)).probabilities[Branch.CB]
        assert found.shape == (18, 1, 3)
        torch.testing.assert_close(found[0, 0], expected, rtol=1e-4, atol=1e-5)
