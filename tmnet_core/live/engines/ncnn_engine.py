"""ncnn on the CPU: its Winograd convolutions take fewer multiplications than the network has."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tmnet_core.allocator import give_back_memory
from tmnet_core.data.preprocessing import Image, Preprocessing
from tmnet_core.errors import EngineError
from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.ncnn_export import INPUT, weights_of
from tmnet_core.live.engines.outputs import PROBABILITIES, EngineOutputs, group_outputs, name_outputs
from tmnet_core.live.frames import FloatArray
from tmnet_core.models.branch import Branch

if TYPE_CHECKING:
    from ncnn import Extractor, Net

# Fewer bits would be faster where a CPU has them, and other answers than those of training.
_HALF_PRECISIONS = ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_packed", "use_bf16_storage")
# Larger tiles save multiplications but take twice the memory; on the small maps of the last stages they gain nothing.
_LARGE_TILES = ("use_winograd43_convolution", "use_winograd63_convolution")


class NcnnEngine(Engine):
    """A network that `write_ncnn` wrote, on `threads` CPU threads; of many images it sees one after another.

    Raises:
        EngineError: ncnn is not installed or cannot read the files.
    """

    def __init__(self, path: Path, preprocessing: Preprocessing, *, threads: int = 1) -> None:
        self._net: Net | None = _load(path, threads)
        outputs = self._net.output_names()
        self._branches = tuple(branch for branch in Branch if f"{PROBABILITIES}.{branch}" in outputs)
        self._size = preprocessing.size
        self._mean = [255.0 * mean for mean in preprocessing.mean]
        self._scale = [1.0 / (255.0 * std) for std in preprocessing.std]

    @property
    def title(self) -> str:
        """What runs."""
        return "ncnn fp32"

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches that the network answers with."""
        return self._branches

    def look(self, images: Image, branches: Sequence[Branch] | None = None, *, maps: bool = True) -> EngineOutputs:
        """Look at B×size×size×3 uint8 images; layers that no wanted answer needs do not run."""
        names = name_outputs(self.chosen(branches), maps=maps)
        wanted = (len(images), self._size, self._size, 3)
        if not len(images) or images.shape != wanted or images.dtype != np.uint8:
            # ncnn would read whatever lies in memory there.
            raise EngineError(f"{images.dtype} of {images.shape}: this network looks at uint8 of {wanted}")
        images = np.ascontiguousarray(images)
        start = time.perf_counter()
        found = [self._look_at(image, names) for image in images]
        values = {name: np.stack(each) for name, each in zip(names, zip(*found, strict=True), strict=True)}
        return group_outputs(values, {"network": (time.perf_counter() - start) * 1e3})

    def close(self) -> None:
        """Free the weights."""
        if self._net is not None:
            self._net.clear()
        self._net = None
        give_back_memory()

    def _look_at(self, image: Image, names: Sequence[str]) -> list[FloatArray]:
        from ncnn import Mat

        if self._net is None:
            raise EngineError("this engine has been closed")
        frame = Mat.from_pixels(image, Mat.PixelType.PIXEL_RGB, self._size, self._size)
        frame.substract_mean_normalize(self._mean, self._scale)
        with self._net.create_extractor() as extractor:
            extractor.input(INPUT, frame)
            return [_extract(extractor, name) for name in names]


def _extract(extractor: Extractor, name: str) -> FloatArray:
    """Compute one value, as far as those before it did not, and return a copy."""
    status, value = extractor.extract(name)
    if status:
        raise EngineError(f"ncnn could not compute {name} (status {status})")
    return np.array(value)


def _load(path: Path, threads: int) -> Net:
    try:
        from ncnn import Net
    except ImportError as error:
        raise EngineError(f"ncnn cannot be used here: {error}") from None
    net = Net()
    net.opt.num_threads = threads
    for name in (*_HALF_PRECISIONS, *_LARGE_TILES):
        setattr(net.opt, name, False)
    if net.load_param(str(path)) or net.load_model(str(weights_of(path))):
        net.clear()
        raise EngineError(f"{path}: ncnn cannot read it, or {weights_of(path).name} beside it")
    return net
