from pathlib import Path

import pytest
import torch

from tmnet_core.device import choose_device, describe_device
from tmnet_core.errors import TMNetError
from tmnet_core.live.engines.choice import all_engines


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu"), (True, False, "cuda")],
)
def test_auto_takes_the_fastest_there_is(monkeypatch, cuda, mps, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device("auto").type == chosen


@pytest.mark.parametrize(("name", "devices"), [("cuda", 0), ("cuda:0", 0), ("cuda:2", 2)])
def test_a_gpu_that_is_not_there_is_named(monkeypatch, name, devices):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    with pytest.raises(TMNetError, match=f"device '{name}': this machine offers {devices} CUDA devices to torch"):
        choose_device(name)


def test_a_driver_that_is_too_old_is_said_without_advice_and_addresses(monkeypatch):
    said = (
        "The NVIDIA driver on your system is too old (found version 11040). Please update your GPU driver at http://x"
    )

    def init():
        raise RuntimeError(said)

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.cuda, "init", init)
    reason = "the NVIDIA driver on your system is too old (found version 11040)"
    with pytest.raises(TMNetError) as refused:
        choose_device("cuda")
    assert str(refused.value) == f"device 'cuda': this machine offers 0 CUDA devices to torch: {reason}"
    # The window's menu of engines says the same of what it cannot offer.
    offers = [offer for offer in all_engines(Path("net.safetensors")) if offer.device == "cuda"]
    assert len(offers) == 4
    assert all(str(offer.refused).endswith(reason) for offer in offers)


def test_missing_mps_is_named(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(TMNetError, match="device 'mps': this machine has no MPS device"):
        choose_device("mps")


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "cpu:", "cuda:0:1"])
def test_what_is_no_device_is_named_with_those_that_are(name):
    with pytest.raises(TMNetError, match=f"device '{name}': not a device; use auto, cpu, cuda, cuda:N or mps"):
        choose_device(name)


@pytest.mark.parametrize("name", ["meta", "xpu", "vulkan"])
def test_devices_that_tmnet_does_not_run_on_are_refused(name):
    with pytest.raises(TMNetError, match=f"device '{name}': not a device; use auto"):
        choose_device(name)


def test_the_cpu_is_described():
    assert describe_device(choose_device("cpu")) == "CPU"
