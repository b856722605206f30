import pytest
import torch
import torchvision
from torch import nn

from tmnet_core.models.catalogue import NETWORKS_3D
from tmnet_core.models.inflation import ClipConv3d
from tmnet_core.models.stages2d import build_network, cut_stages
from tmnet_core.models.stages3d import Clipwise, PoolOverTime, build_network3d, cut_stages3d

# Published with 400 classes: the model zoo of PyTorchVideo (in millions, two digits) and torchvision's R3D_18_Weights.
PUBLISHED_MILLIONS = {"slowonly_r50": 32.45, "i3d_r50": 28.04, "r3d_18": 33.37}


def on_meta(name):
    with torch.device("meta"):
        return build_network3d(name)


@pytest.mark.parametrize("name", NETWORKS_3D)
def test_parameters_are_the_published_ones(name):
    stages = cut_stages3d(on_meta(name), name)
    features = {"slowonly_r50": 2048, "i3d_r50": 2048, "r3d_18": 512}[name]
    counted = sum(parameter.numel() for part in stages.values() for parameter in part.parameters())
    assert round((counted + 400 * (features + 1)) / 1e6, 2) == PUBLISHED_MILLIONS[name]


@pytest.mark.parametrize(
    ("name", "lengths", "sides"),
    [
        ("slowonly_r50", [8, 8, 8, 8, 8], [32, 32, 16, 8, 4]),
        ("i3d_r50", [8, 8, 4, 4, 4], [32, 32, 16, 8, 4]),
        ("r3d_18", [8, 8, 4, 2, 1], [64, 64, 32, 16, 8]),
    ],
)
def test_each_stage_strides_over_time_and_space_as_its_paper_says(name, lengths, sides):
    maps = torch.empty(1, 3, 8, 128, 128, device="meta")
    seen = []
    for part in cut_stages3d(on_meta(name), name).values():
        maps = part(maps)
        seen.append(tuple(maps.shape[2:4]))
    assert seen == list(zip(lengths, sides, strict=True))


def test_temporal_kernels_lie_where_the_tables_put_them():
    kernels = {
        name: [
            max(module.kernel_size[0] for module in block.modules() if isinstance(module, nn.Conv3d))
            for part in cut_stages3d(on_meta(name), name).values()
            for block in ([part] if isinstance(part[0], nn.Conv3d) else blocks_of(part))
        ]
        for name in ("slowonly_r50", "i3d_r50")
    }
    # Stem, then the 3, 4, 6 and 3 bottlenecks of a ResNet-50.
    assert kernels["slowonly_r50"] == [1] + [1] * 3 + [1] * 4 + [3] * 6 + [3] * 3
    assert kernels["i3d_r50"] == [5] + [3] * 3 + [3, 1] * 2 + [3, 1] * 3 + [1, 3, 1]


def blocks_of(part: nn.Module) -> list[nn.Module]:
    return [module for module in part.modules() if isinstance(module, torchvision.models.resnet.Bottleneck)]


def test_torchvision_s_r3d_18_gives_its_logits():
    torch.manual_seed(0)
    theirs = torchvision.models.video.r3d_18(weights=None).eval()
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.running_mean.normal_(std=0.1)
    network = build_network3d("r3d_18")
    network.load_state_dict(theirs.state_dict())
    ours = Clipwise(nn.Sequential(cut_stages3d(network, "r3d_18"))).eval()
    clip = torch.randn(1, 8, 3, 32, 32)
    with torch.inference_mode():
        logits = network.fc(ours(clip).mean(dim=(1, 3, 4)))
        torch.testing.assert_close(logits, theirs(clip.transpose(1, 2)))


@pytest.mark.parametrize("name", NETWORKS_3D)
@pytest.mark.parametrize("inflation", ["mean", "centre"])
def test_a_still_frame_gives_what_the_2d_network_gives(name, inflation):
    torch.manual_seed(0)
    flat = build_network(NETWORKS_3D[name].backbone).eval()
    deep = Clipwise(nn.Sequential(cut_stages3d(build_network3d(name, flat, inflation), name))).eval()
    image = torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        still = deep(image.unsqueeze(1))
        if name == "r3d_18":
            # R3D-18 has no pool in its stem: its 2D form is ResNet-18 without one.
            flat.maxpool = nn.Identity()
        expected = nn.Sequential(cut_stages(flat))(image)
        torch.testing.assert_close(still[:, 0], expected, rtol=1e-4, atol=1e-4)


def test_with_replicated_borders_a_still_clip_gives_what_the_2d_network_gives():
    torch.manual_seed(0)
    flat = build_network("resnet50").eval()
    deep = Clipwise(nn.Sequential(cut_stages3d(build_network3d("i3d_r50", flat), "i3d_r50")), "replicate").eval()
    image = torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        answer = deep(image.unsqueeze(1).repeat(1, 4, 1, 1, 1))
        expected = nn.Sequential(cut_stages(flat))(image)
    assert answer.shape[1] == 2
    for t in range(2):
        torch.testing.assert_close(answer[:, t], expected, rtol=1e-4, atol=1e-4)


def test_a_clip_after_a_still_frame_is_a_clip_again():
    torch.manual_seed(0)
    part = Clipwise(ClipConv3d(3, 4, (3, 1, 1), padding=(1, 0, 0)))
    clip = torch.randn(1, 4, 3, 2, 2)
    before = part(clip)
    part(clip[:, :1])
    assert torch.equal(part(clip), before)


def test_pooling_over_time_takes_the_larger_neighbour_and_leaves_a_single_frame():
    clip = torch.tensor([3.0, 1.0, 2.0, 5.0]).reshape(1, 1, 4, 1, 1)
    assert PoolOverTime(2)(clip).flatten().tolist() == [3.0, 5.0]
    assert PoolOverTime(2)(clip[:, :, :1]).flatten().tolist() == [3.0]
