"""One line of a benchmark's report."""

from __future__ import annotations

from pydantic import BaseModel

from tmnet_core.benchmarks.interleaved import Timings


class Figure(BaseModel):
    """One measured ratio.

    Attributes:
        what: what was divided by what.
        value: the median over interleaved rounds.
        spread: its quartiles, where there are rounds.
        limit: the reach that the project sets itself, such as `<= 1.55`.
        detail: what stands behind the ratio, such as the medians in milliseconds.
    """

    what: str
    value: float
    spread: tuple[float, float] | None = None
    limit: str = ""
    detail: str = ""


def ratio_figure(
    timings: Timings, case: str, reference: str, limit: str = "", *, what: str = "", scale: float = 1.0
) -> Figure:
    """Return the figure of one case's time over another one's, times `scale`; `what` names it, or both cases."""
    low, high = timings.ratio_spread(case, reference)
    return Figure(
        what=what or f"{case} / {reference}",
        value=scale * timings.ratio(case, reference),
        spread=(scale * low, scale * high),
        limit=limit,
        detail=f"{1e3 * timings.median(case):.2f} ms / {1e3 * timings.median(reference):.2f} ms",
    )
