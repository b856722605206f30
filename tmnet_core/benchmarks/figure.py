"""One line of a benchmark's report."""

from pydantic import BaseModel


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
