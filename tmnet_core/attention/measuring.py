"""What is measured about each glance of a stream: how its maps lie to motion, and how it compares with the clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tmnet_core.attention.agreement import Agreement, AgreementMeter, OtherRegions
from tmnet_core.attention.clip_memory import ClipAnswer, ClipMemory
from tmnet_core.attention.motion import Motion, MotionFinder, MotionState
from tmnet_core.live.frames import FloatArray, Glance
from tmnet_core.models.branch import Branch


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What was measured about a glance; `clip` is None where the network's CB cannot be put together from frames."""

    motion: Motion
    agreement: Agreement
    clip: ClipAnswer | None


class GlanceMeter:
    """Follows the glances of a stream, in order; for use by one thread at a time.

    Args:
        kept: regions of motion kept with the checkpoint, None: those of the stream itself.
        memory: of the clips of the network that looks, None: it has none.

    Attributes:
        motion: finds what moves; it may be asked about the same frames.
    """

    def __init__(self, kept: OtherRegions | None = None, memory: ClipMemory | None = None) -> None:
        self.motion = MotionFinder()
        self._agreement = AgreementMeter(kept)
        self._memory = memory
        self._stream: object = None

    def measure(self, glance: Glance, maps: Mapping[Branch, FloatArray], stream: object = None) -> Measured:
        """Return what there is to say of a glance; of the same frame again the same.

        Args:
            glance: the next one.
            maps: h×w by branch, oriented as the network's input.
            stream: what changes with the source or the network's box: then the past does not count.
        """
        if stream != self._stream:
            if self._stream is not None:
                self.clear()
            self._stream = stream
        frame, placement = glance.frame, glance.placement
        motion = self.motion.update(frame)
        oriented = {branch: placement.map_to_frame(values) for branch, values in maps.items()}
        agreement = self._agreement.measure(motion, oriented, placement, frame.time)
        if self._memory is None:
            return Measured(motion, agreement, None)
        if motion.state is MotionState.CUT:
            self._memory.clear()
        return Measured(motion, agreement, self._memory.add(glance))

    def clear(self) -> None:
        """Forget the stream."""
        self.motion.clear()
        self._agreement.clear()
        if self._memory is not None:
            self._memory.clear()

    def copy(self) -> GlanceMeter:
        """Return another one for another thread, which goes on from what this one has seen."""
        other = GlanceMeter(None, None if self._memory is None else self._memory.copy())
        other.motion = self.motion.copy()
        other._agreement = self._agreement.copy()
        return other
