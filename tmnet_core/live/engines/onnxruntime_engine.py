"""onnxruntime on the CPU: runs an exported file, fp32 or int8."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tmnet_core.allocator import give_back_memory
from tmnet_core.data.preprocessing import Image
from tmnet_core.errors import EngineError
from tmnet_core.live.engines.engine import Engine
from tmnet_core.live.engines.outputs import EngineOutputs, branches_of, group_outputs, name_outputs
from tmnet_core.models.branch import Branch
from tmnet_core.onnx_file import INPUT, PRECISION_KEY, keep_outputs

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


class OnnxruntimeEngine(Engine):
    """A file that `tmnet export` wrote, on `threads` CPU threads.

    Raises:
        EngineError: onnxruntime is not installed or cannot run the file.
    """

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        self._path = path
        self._threads = threads
        self._closed = False
        self._sessions: dict[tuple[tuple[str, ...], bool], InferenceSession] = {}
        whole = self._open(str(path), single=True)
        self._outputs = tuple(output.name for output in whole.get_outputs())
        self._sessions[self._outputs, True] = whole
        self._branches = branches_of(self._outputs)
        self._precision = whole.get_modelmeta().custom_metadata_map.get(PRECISION_KEY, "fp32")

    @property
    def title(self) -> str:
        """What runs."""
        return f"onnxruntime {self._precision}"

    @property
    def branches(self) -> tuple[Branch, ...]:
        """The branches that the file answers with."""
        return self._branches

    def look(self, images: Image, branches: Sequence[Branch] | None = None, *, maps: bool = True) -> EngineOutputs:
        """Look at B×size×size×3 uint8 images, or at clips of them if the file is one for clips."""
        names = name_outputs(self.chosen(branches), maps=maps)
        session = self._session(names, single=len(images) == 1)
        start = time.perf_counter()
        found = session.run(names, {INPUT: images})
        stages = {"network": (time.perf_counter() - start) * 1e3}
        return group_outputs(dict(zip(names, found, strict=True)), stages)

    def close(self) -> None:
        """Free the sessions."""
        self._sessions.clear()
        self._closed = True
        give_back_memory()

    def _session(self, names: tuple[str, ...], *, single: bool) -> InferenceSession:
        """Return a session for these outputs: a session computes all of its graph, whatever is asked of it."""
        if self._closed:
            raise EngineError("this engine has been closed")
        if (names, single) not in self._sessions:
            model = str(self._path) if names == self._outputs else keep_outputs(self._path, names)
            self._sessions[names, single] = self._open(model, single=single)
        return self._sessions[names, single]

    def _open(self, model: str | bytes, *, single: bool) -> InferenceSession:
        try:
            import onnxruntime
        except ImportError as error:
            raise EngineError(f"onnxruntime cannot be used here: {error}") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        # Threads that spin between two frames would take the cores from decoding and drawing.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        options.log_severity_level = 3
        if single:
            # With a batch size that is known beforehand it plans better, by some 5 %.
            options.add_free_dimension_override_by_name("batch", 1)
        try:
            return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        # Its errors have no base of their own.
        except Exception as error:
            cause = " ".join(str(error).split())
            raise EngineError(f"{self._path}: onnxruntime cannot run it ({cause})") from None
