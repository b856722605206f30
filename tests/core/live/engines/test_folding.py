import copy
import threading

import torch

from tmnet_core.config import ModelConfig
from tmnet_core.live.engines.folding import fold_batch_norms
from tmnet_core.models.variants import build_model


def test_networks_are_folded_while_another_thread_looks() -> None:
    torch.manual_seed(0)
    network = build_model(ModelConfig(backbone="mobilenet_v2", width=0.25), 3).eval()
    frames = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        wanted = network.glance(frames)
    looks: list[bool] = []
    folded = threading.Event()

    @torch.inference_mode()
    def look_on() -> None:
        while not folded.is_set():
            looks.append(torch.equal(network.glance(frames).regression, wanted.regression))

    looking = threading.Thread(target=look_on)
    looking.start()
    try:
        both = [copy.deepcopy(network) for _ in range(4)]
        folding = [threading.Thread(target=fold_batch_norms, args=(one,)) for one in both]
        for thread in folding:
            thread.start()
        for thread in folding:
            thread.join()
        alive = looking.is_alive()
    finally:
        folded.set()
        looking.join()
    assert alive
    assert all(looks)
    with torch.inference_mode():
        for one in both:
            assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in one.modules())
            torch.testing.assert_close(one.glance(frames).regression, wanted.regression, rtol=1e-3, atol=1e-4)
