import torch

from tmnet_core.benchmarks.conditions import Conditions
from tmnet_core.benchmarks.preprocessing import measure_preprocessing


def test_our_way_to_the_network_takes_a_part_of_the_usual_one() -> None:
    figure = measure_preprocessing(Conditions("resnet18", size=224, rounds=5, device=torch.device("cpu")))
    assert 0.0 < figure.value < 0.5
    assert figure.limit == "<= 0.10"
