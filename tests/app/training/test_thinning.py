import numpy as np
import pytest

from tmnet_app.training.thinning import thin


def test_a_short_curve_stays_as_it_is() -> None:
    x = np.arange(1000.0)
    assert thin(x, x, 300)[1] is x


@pytest.mark.parametrize("length", [1201, 100_000, 100_299])
def test_no_peak_and_no_newest_point_is_lost(length: int) -> None:
    rng = np.random.default_rng(0)
    x, y = np.arange(float(length)), rng.normal(size=length)
    y[length // 3], y[length // 2] = 99.0, -99.0
    thin_x, thin_y = thin(x, y, 300)
    assert len(thin_x) <= 2 * 300 + length % 300
    assert (thin_y.max(), thin_y.min()) == (99.0, -99.0)
    assert thin_x[-1] >= length - length // 300 - 1
    assert (np.diff(thin_x) >= 0).all()
    assert (y[thin_x.astype(int)] == thin_y).all()


def test_what_does_not_apply_stays_away() -> None:
    x = np.arange(3000.0)
    y = np.full(3000, np.nan)
    y[1500:] = 1.0
    thin_y = thin(x, y, 300)[1]
    assert np.isnan(thin_y[:290]).all()
    assert (thin_y[-290:] == 1.0).all()
