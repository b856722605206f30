import pytest
import torch
from torch import nn

from tmnet_core.models.inflation import ClipConv3d, inflate_network, inflate_weight, use_clip_convolutions


@pytest.mark.parametrize("frames", [1, 3, 5])
def test_the_mean_spreads_a_kernel_evenly_over_time(frames):
    weight = torch.randn(4, 2, 3, 3)
    inflated = inflate_weight(weight, frames, "mean")
    assert inflated.shape == (4, 2, frames, 3, 3)
    torch.testing.assert_close(inflated.sum(2), weight)
    assert all(torch.equal(inflated[:, :, 0], inflated[:, :, t]) for t in range(frames))


def test_the_centre_keeps_the_middle_tap_alone():
    weight = torch.randn(4, 2, 3, 3)
    inflated = inflate_weight(weight, 5, "centre")
    assert torch.equal(inflated[:, :, 2], weight)
    assert not inflated[:, :, [0, 1, 3, 4]].any()


@pytest.fixture
def convolution() -> ClipConv3d:
    torch.manual_seed(0)
    return ClipConv3d(3, 4, (3, 3, 3), (1, 2, 2), (1, 1, 1))


def test_with_zeros_beyond_its_ends_it_is_torch_s_convolution(convolution):
    plain = nn.Conv3d(3, 4, (3, 3, 3), (1, 2, 2), (1, 1, 1))
    plain.load_state_dict(convolution.state_dict())
    clip = torch.randn(2, 3, 5, 8, 8)
    torch.testing.assert_close(convolution(clip), plain(clip), rtol=0, atol=0)


def test_replicated_borders_repeat_the_end_frames(convolution):
    clip = torch.randn(2, 3, 4, 8, 8)
    longer = torch.cat([clip[:, :, :1], clip, clip[:, :, -1:]], dim=2)
    expected = convolution(longer)[:, :, 1:-1]
    convolution.borders = "replicate"
    torch.testing.assert_close(convolution(clip), expected)


def test_a_still_frame_is_the_middle_of_a_long_still_clip(convolution):
    frame = torch.randn(2, 3, 1, 8, 8)
    expected = convolution(frame.repeat(1, 1, 7, 1, 1))[:, :, 3:4]
    convolution.borders = "replicate"
    torch.testing.assert_close(convolution(frame), expected)


def test_a_stride_over_time_has_nothing_to_skip_in_a_still_frame():
    convolution = ClipConv3d(3, 4, 3, 2, 1)
    convolution.borders = "replicate"
    assert convolution(torch.randn(1, 3, 1, 8, 8)).shape == (1, 4, 1, 4, 4)


@pytest.mark.parametrize("inflation", ["mean", "centre"])
def test_an_inflated_network_answers_for_a_still_clip_as_the_2d_one(inflation):
    torch.manual_seed(0)
    flat = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
    )
    flat[1].running_mean.normal_()
    flat.append(nn.Conv2d(4, 5, 3, padding=1, groups=1)).eval()
    deep = inflate_network(flat, lambda path: 3 if path == "0" else 5, inflation).eval()
    for module in deep.modules():
        if isinstance(module, ClipConv3d):
            module.borders = "replicate"
    image = torch.randn(2, 3, 16, 16)
    answer = deep(image.unsqueeze(2).repeat(1, 1, 4, 1, 1))
    assert answer.shape[2] == 4
    for t in range(4):
        torch.testing.assert_close(answer[:, :, t], flat(image))


def test_inflating_leaves_the_2d_network_and_all_names_as_they_are():
    flat = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    before = {name: tensor.clone() for name, tensor in flat.state_dict().items()}
    deep = inflate_network(flat, lambda path: 3, "mean")
    assert list(deep.state_dict()) == list(before)
    assert all(torch.equal(tensor, before[name]) for name, tensor in flat.state_dict().items())


def test_clip_convolutions_take_the_place_of_torch_s_with_all_they_have():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv3d(3, 4, 3, (2, 1, 1), 1), nn.ReLU(), nn.Conv3d(4, 4, (1, 3, 3), padding=(0, 1, 1)))
    clip = torch.randn(1, 3, 4, 8, 8)
    before = network(clip)
    use_clip_convolutions(network)
    assert isinstance(network[0], ClipConv3d)
    torch.testing.assert_close(network(clip), before, rtol=0, atol=0)
