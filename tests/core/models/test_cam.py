import torch
from torch import nn

from tmnet_core.models.cam import class_activation_maps


def test_the_mean_of_a_map_plus_the_bias_is_the_logit():
    torch.manual_seed(0)
    feature_map, classifier = torch.randn(2, 16, 7, 5), nn.Linear(16, 4)
    with torch.no_grad():
        maps = class_activation_maps(feature_map, classifier)
        logits = classifier(feature_map.mean((2, 3)))
    assert maps.shape == (2, 4, 7, 5)
    torch.testing.assert_close(maps.mean((2, 3)) + classifier.bias, logits)


def test_a_place_s_value_is_what_it_alone_adds_to_the_logit():
    classifier = nn.Linear(3, 2)
    feature_map = torch.zeros(1, 3, 4, 4)
    feature_map[0, :, 1, 2] = torch.tensor([1.0, -2.0, 0.5])
    with torch.no_grad():
        maps = class_activation_maps(feature_map, classifier)
        expected = classifier.weight @ torch.tensor([1.0, -2.0, 0.5])
    torch.testing.assert_close(maps[0, :, 1, 2], expected)
    assert maps.count_nonzero() == 2
