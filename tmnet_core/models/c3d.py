"""C3D (Tran et al., ICCV 2015), the baseline that is no stem with four stages."""

from __future__ import annotations

from torch import Tensor, nn

# Channels of the convolutions, all 3×3×3, between two pools (Fig. 3 there).
CONVOLUTIONS = ((64,), (128,), (256, 256), (512, 512), (512, 512))
CHANNELS = 4096


class C3D(nn.Module):
    """Eight convolutions, five pools and two fully connected layers, as one part that speaks B×T×C×H×W.

    Its feature, fc7, comes as a map of one place, so that the classifier behind it is fc8. With no places there is
    no class activation map, and with no stages no split.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for number, group in enumerate(CONVOLUTIONS):
            for wider in group:
                layers += [nn.Conv3d(channels, wider, 3, padding=1), nn.ReLU(inplace=True)]
                channels = wider
            # The first pool leaves time alone, and the last is padded in space, so that 7×7 becomes 4×4.
            in_time, border = (1 if number == 0 else 2), (1 if number == 4 else 0)
            layers.append(nn.MaxPool3d((in_time, 2, 2), (in_time, 2, 2), (0, border, border)))
        self.convolutions = nn.Sequential(*layers)
        self.fully_connected = nn.Sequential(
            nn.Linear(512 * 4 * 4, CHANNELS),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(CHANNELS, CHANNELS),
            nn.ReLU(inplace=True),
        )

    def forward(self, clip: Tensor) -> Tensor:
        """Map B×16×3×112×112 to B×1×4096×1×1."""
        maps = self.convolutions(clip.transpose(1, 2))
        feature: Tensor = self.fully_connected(maps.flatten(1))
        return feature[:, None, :, None, None]
