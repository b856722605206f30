import pytest
import torch
from torch import nn

from tmnet_core.config import ModelConfig
from tmnet_core.models.stages2d import build_network, cut_stages
from tmnet_core.models.temporal_shift import ShiftedConvolution, ShiftedFramewise, insert_shifts, shift_channels
from tmnet_core.models.tmnet import Framewise
from tmnet_core.models.variants import build_model


def shifted_by_hand(clip: torch.Tensor) -> torch.Tensor:
    """Lin et al., section 4.1, one value at a time."""
    batch, length, channels = clip.shape[:3]
    fold = channels // 8
    out = torch.zeros_like(clip)
    for b in range(batch):
        for t in range(length):
            for c in range(channels):
                source = t + 1 if c < fold else t - 1 if c < 2 * fold else t
                if 0 <= source < length:
                    out[b, t, c] = clip[b, source, c]
    return out


@pytest.mark.parametrize(("length", "channels"), [(2, 8), (4, 16), (5, 24), (3, 20)])
def test_the_shift_equals_one_written_by_hand(length, channels):
    clip = torch.randn(2, length, channels, 3, 2)
    torch.testing.assert_close(shift_channels(clip), shifted_by_hand(clip), rtol=0, atol=0)


def test_a_single_frame_keeps_all_its_channels():
    clip = torch.randn(2, 1, 16, 3, 3)
    assert torch.equal(shift_channels(clip), clip)
    assert not torch.equal(shifted_by_hand(clip), clip), "taken literally, it would lose a quarter of them"


def test_a_frame_inside_a_still_clip_is_that_frame_alone():
    frame = torch.randn(1, 1, 16, 3, 3)
    shifted = shift_channels(frame.repeat(1, 5, 1, 1, 1))
    for t in (1, 2, 3):
        assert torch.equal(shifted[:, t : t + 1], shift_channels(frame))


def test_a_resnet_shifts_inside_every_residual_branch():
    network = build_network("resnet18").eval()
    stage = cut_stages(network)["stage1"]
    clip = torch.randn(2, 4, 64, 8, 8)
    expected = clip
    for block in stage:
        # The shortcut keeps the frame as it is; the branch sees the shifted one.
        seen = shifted_by_hand(expected).flatten(0, 1)
        branch = block.bn2(block.conv2(block.relu(block.bn1(block.conv1(seen)))))
        expected = block.relu(branch + expected.flatten(0, 1)).reshape(2, 4, 64, 8, 8)
    insert_shifts(network)
    torch.testing.assert_close(ShiftedFramewise(cut_stages(network)["stage1"])(clip), expected)


@pytest.mark.parametrize(
    ("backbone", "shifts"), [("resnet18", 8), ("resnet50", 16), ("resnext50_32x4d", 16), ("mobilenet_v2", 10)]
)
def test_every_block_with_a_shortcut_branch_has_one_shift(backbone, shifts):
    # MobileNetV2 has 17 blocks, 10 of which have a shortcut (Sandler et al., CVPR 2018, Table 2).
    with torch.device("meta"):
        network = build_network(backbone)
    insert_shifts(network)
    assert sum(isinstance(module, ShiftedConvolution) for module in network.modules()) == shifts


@pytest.mark.parametrize("backbone", ["resnet18", "mobilenet_v2"])
def test_tsm_of_one_frame_is_tsn_and_of_two_is_not(backbone):
    torch.manual_seed(0)
    network = build_network(backbone).eval()
    plain = Framewise(nn.Sequential(cut_stages(network)))
    clip = torch.randn(1, 2, 3, 64, 64)
    with torch.inference_mode():
        one, two = plain(clip[:, :1]), plain(clip)
        insert_shifts(network)
        shifted = ShiftedFramewise(nn.Sequential(cut_stages(network)))
        assert torch.equal(shifted(clip[:, :1]), one)
        # Untrained, MobileNetV2 answers with numbers of about 1e-9: only shares of them say anything.
        assert (shifted(clip) - two).abs().max() > 0.05 * two.abs().max()


def test_clips_in_a_batch_do_not_mix():
    torch.manual_seed(0)
    model = build_model(ModelConfig(variant="tsm", backbone="resnet18"), 3).eval()
    clips = torch.randn(2, 3, 3, 32, 32)
    with torch.inference_mode():
        both = model(clips, torch.zeros(2)).classification
        alone = [model(clip.unsqueeze(0), torch.zeros(1)).classification for clip in clips]
    torch.testing.assert_close(both, torch.cat(alone))
