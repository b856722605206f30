import pytest
import torch
from torch import nn

from tmnet_core.models.costs import LISTED, Costs, count_multiply_adds, list_costs


@pytest.fixture(scope="module")
def costs() -> Costs:
    return list_costs(frames=8, size=64, classes=101)


def network(costs: Costs, name: str):
    (found,) = (cost for cost in costs.networks if cost.network == name)
    return found


def test_multiply_adds_of_a_convolution_are_counted_by_hand():
    with torch.device("meta"):
        convolution, linear = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(5, 7)
        assert count_multiply_adds(lambda: convolution(torch.empty(2, 3, 10, 10))) == 2 * 8 * 100 * 27
        assert count_multiply_adds(lambda: linear(torch.empty(2, 5))) == 2 * 35


def test_parameters_and_multiply_adds_are_the_published_ones(costs):
    assert len(costs.parts) == 11
    for part in costs.parts:
        assert part.parameters / 1e6 == pytest.approx(part.published_parameters, rel=0.002), part.part
        # I3D's published figure is 1.1 % above what its layers add up to, TSM's is rounded to whole billions.
        assert part.multiply_adds / 1e9 == pytest.approx(part.published_multiply_adds, rel=0.012), part.part


def test_every_network_is_listed_once(costs):
    assert [cost.network for cost in costs.networks] == [config.title for config in LISTED]
    assert len({cost.network for cost in costs.networks}) == len(LISTED)


def test_a_clip_costs_tsn_as_many_glances_as_it_has_frames(costs):
    tsn = network(costs, "TSN resnet50 2/2")
    answer = 2048 * 101
    assert tsn.clip - answer == 8 * (tsn.glance - answer)
    assert network(costs, "TSM resnet50 2/2") == tsn.model_copy(update={"network": "TSM resnet50 2/2"})


def test_one_glance_of_tmnet_2d_is_base_and_two_branches(costs):
    tmnet, tsn = network(costs, "TMNet-2D resnet50 2/2"), network(costs, "TSN resnet50 2/2")
    answer = 2048 * 101
    # BB + RB of a clip is BB on every frame, and RB once.
    base = (tmnet.memory - tsn.glance) // 7
    assert tmnet.glance - 2 * answer == base + 2 * (tsn.glance - answer - base)


def test_rb_alone_is_the_glance_of_3d_a_whatever_its_3d_network(costs):
    a, other = (network(costs, f"TMNet-3D-A resnet50 + {name} 2/2") for name in ("slowonly_r50", "i3d_r50"))
    assert a.glance == other.glance == network(costs, "TSN resnet50 2/2").glance
    assert a.clip > other.clip


def test_3d_b_saves_the_3d_branch(costs):
    network_b = network(costs, "TMNet-3D-B resnet50 + i3d_r50 2/2")
    assert network_b.memory < network_b.clip < network(costs, "I3D-R50").clip + network_b.memory


def test_what_needs_a_clip_has_no_glance(costs):
    assert [cost.network for cost in costs.networks if cost.glance is None] == [
        "I3D-R50",
        "SlowOnly-R50",
        "R3D-18",
        "C3D",
    ]
    assert (network(costs, "C3D").frames, network(costs, "C3D").size) == (16, 112)
