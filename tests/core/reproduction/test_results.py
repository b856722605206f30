import pytest

from tmnet_core.models.branch import Branch
from tmnet_core.reproduction.plan import Claim, Comparison
from tmnet_core.reproduction.results import ClaimResult, ComparisonResult
from tmnet_core.reproduction.statistics import PairedDifference

PAIR = Comparison(("a", Branch.RB), ("b", Branch.RB))
HIGHER = PairedDifference(0.02, 0.01, 0.03, 1)
LOWER = PairedDifference(-0.02, -0.03, -0.01, 1)
UNDECIDED = PairedDifference(0.0, -0.01, 0.01, 1)


@pytest.mark.parametrize(
    ("differences", "margin", "standing"),
    [
        ([HIGHER, HIGHER], 0.0, "borne out here"),
        ([HIGHER, None], 0.0, "borne out here"),
        ([HIGHER, UNDECIDED], 0.0, "not borne out"),
        ([LOWER], 0.0, "not borne out"),
        ([UNDECIDED], 2.0, "borne out here"),  # within two points
        ([None], 0.0, "not tested"),
        ([], 0.0, "not tested"),
    ],
)
def test_a_claim_stands_or_falls_with_its_comparisons(differences, margin, standing):
    claim = Claim("says", "where", [PAIR] * len(differences), margin=margin)
    assert ClaimResult(claim, [ComparisonResult(PAIR, d) for d in differences]).standing == standing
