"""A start without foreign weights: the 2D network learns to find the joints of synthetic people.

From random weights, whole actions teach a deep network nothing for thousands of steps; where each joint is, it
learns within hundreds, since every place of the picture tells it something.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tmnet_core.config import ScheduleSection
from tmnet_core.data.augmentation import MultiScaleCrop, crop_and_resize
from tmnet_core.data.preprocessing import Preprocessing
from tmnet_core.data.synthetic_people import SyntheticPeople
from tmnet_core.files import replacing
from tmnet_core.models.catalogue import BackboneName
from tmnet_core.models.stages2d import build_network, cut_stages
from tmnet_core.training.schedule import learning_rate_factor

# Heat maps have the resolution of the second stage, an eighth of the input's.
STRIDE = 8
SPREAD_CELLS = 0.8

# Where the file of weights keeps the settings that it was made with.
SETTINGS_KEY = "joint_pretraining"


@dataclass(frozen=True)
class JointPretraining:
    """How long, on what.

    Attributes:
        frames_a_clip: frames rendered of every clip; all stay in memory.
        size: side of the network's input in pixels, a multiple of 8.
    """

    backbone: BackboneName = "mobilenet_v2"
    width: float = 1.0
    clips: int = 5000
    frames_a_clip: int = 4
    size: int = 96
    iterations: int = 2000
    batch: int = 64
    learning_rate: float = 0.003
    seed: int = 0


class JointHead(nn.Module):
    """Sums the last three stages, each through a 1×1 convolution, and makes one heat map a joint of the sum.

    This pyramid (after Lin et al., FPN, CVPR 2017) lets the joints teach all stages down to the last.
    """

    def __init__(self, channels: list[int], joints: int, width: int = 64) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(count, width, 1) for count in channels)
        self.output = nn.Sequential(nn.ReLU(), nn.Conv2d(width, joints, 3, padding=1))

    def forward(self, features: list[Tensor]) -> Tensor:
        """Map B×C×h×w features, the finest first, to B×joints×h×w of the finest."""
        size = features[0].shape[2:]
        maps = [
            F.interpolate(lateral(feature), size, mode="bilinear")
            for lateral, feature in zip(self.lateral, features, strict=True)
        ]
        heat: Tensor = self.output(torch.stack(maps).sum(0))
        return heat


@dataclass(frozen=True)
class PosedFrames:
    """N×H×W×3 uint8 frames and their N×J×2 joints in pixels (x, y)."""

    frames: npt.NDArray[np.uint8]
    joints: npt.NDArray[np.float32]


def pretrain_on_joints(
    settings: JointPretraining,
    out: Path,
    *,
    device: torch.device,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> float:
    """Train from random weights and write the network, without its head, as a state dict to start from.

    Returns:
        The mean squared error of the last tenth of the steps over the heat maps' own mean square: 1 is as good as
        saying "nowhere", 0 is perfect.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    posed = render_posed_frames(settings, rng)
    network = build_network(settings.backbone, settings.width).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    stages = cut_stages(network)
    head = JointHead(_channels(stages, settings.size, device), posed.joints.shape[1]).to(device)
    parameters = [*(p for stage in stages.values() for p in stage.parameters()), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=0.02)
    schedule = ScheduleSection(iterations=settings.iterations, kind="cosine", warmup=min(50, settings.iterations))
    network.train()
    errors: list[float] = []
    for iteration in range(settings.iterations):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * learning_rate_factor(iteration, schedule)
        images, heat = _draw_batch(posed, settings, rng)
        heat = heat.to(device)
        squares = (head(_features(stages, images.to(device))) - heat).square().sum((2, 3)).mean()
        optimizer.zero_grad(set_to_none=True)
        squares.backward()
        optimizer.step()
        errors.append(float(squares.detach() / heat.square().sum((2, 3)).mean()))
        progress(iteration + 1, settings.iterations)
    state = {
        name: tensor.contiguous()
        for name, tensor in network.state_dict().items()
        if not name.startswith(("fc.", "classifier."))
    }
    with replacing(out) as temporary:
        save_file(state, temporary, metadata={SETTINGS_KEY: json.dumps(asdict(settings))})
    return float(np.mean(errors[-max(1, settings.iterations // 10) :]))


def read_settings(weights: Path) -> JointPretraining | None:
    """Return the settings that weights were pretrained with; None where the file does not say."""
    with safe_open(weights, "pt") as file:
        settings = (file.metadata() or {}).get(SETTINGS_KEY)
    return JointPretraining(**json.loads(settings)) if settings else None


def render_posed_frames(settings: JointPretraining, rng: np.random.Generator) -> PosedFrames:
    """Render some frames of every training clip."""
    people = SyntheticPeople(settings.clips, settings.seed)
    clips = [
        people.rendered(i, np.sort(rng.choice(people.frames, settings.frames_a_clip, replace=False)).tolist())
        for i in range(settings.clips)
    ]
    return PosedFrames(np.concatenate([clip.frames for clip in clips]), np.concatenate([clip.joints for clip in clips]))


def heat_maps(joints: Tensor, cells: int) -> Tensor:
    """Return B×J×cells×cells Gaussians of height 1 around B×J×2 points (x, y), given in cells."""
    centres = torch.arange(cells) + 0.5
    across = (centres - joints[..., 0, None]).square()
    down = (centres - joints[..., 1, None]).square()
    return torch.exp(-(down[..., :, None] + across[..., None, :]) / (2 * SPREAD_CELLS**2))


def _draw_batch(posed: PosedFrames, settings: JointPretraining, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return B×3×size×size input and its heat maps, from random crops of random frames."""
    crop = MultiScaleCrop((1.0, 0.875, 0.75), places=13)
    height, width = posed.frames.shape[1:3]
    cells = settings.size // STRIDE
    images, joints = [], []
    for index in rng.integers(len(posed.frames), size=settings.batch):
        box = crop.draw(rng, width, height)
        images.append(crop_and_resize(posed.frames[index][None], box, settings.size)[0])
        joints.append((posed.joints[index] - (box.left, box.top)) * cells / (box.width, box.height))
    inputs = Preprocessing(size=settings.size).normalise(torch.from_numpy(np.stack(images)))
    return inputs, heat_maps(torch.from_numpy(np.stack(joints)).float(), cells)


def _features(stages: OrderedDict[str, nn.Module], images: Tensor) -> list[Tensor]:
    """Return the outputs of the last three stages, the finest first."""
    outputs, value = [], images
    for stage in stages.values():
        value = stage(value)
        outputs.append(value)
    return outputs[-3:]


def _channels(stages: OrderedDict[str, nn.Module], size: int, device: torch.device) -> list[int]:
    with torch.no_grad():
        return [feature.shape[1] for feature in _features(stages, torch.zeros(2, 3, size, size, device=device))]
