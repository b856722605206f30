import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tmnet_core.benchmarks.machine import describe_machine
from tmnet_core.models.branch import Branch
from tmnet_core.reproduction.plan import Claim, Comparison, Line, Plan, identity
from tmnet_core.reproduction.plans import Settings
from tmnet_core.reproduction.report import Made, write_report
from tmnet_core.reproduction.results import ClaimResult, ComparisonResult, LineResult, Results, compare_lines
from tmnet_core.reproduction.running import train_runs
from tmnet_core.reproduction.scoring import Score, score_run
from tmnet_core.reproduction.statistics import PairedDifference
from tmnet_core.training.look import Look

PAIR = Comparison(("a", Branch.RB), ("b", Branch.RB))
HIGHER = PairedDifference(0.02, 0.01, 0.03, 2)
LOWER = PairedDifference(-0.02, -0.03, -0.01, 2)
UNDECIDED = PairedDifference(0.0, -0.01, 0.01, 2)


@pytest.mark.parametrize(
    ("differences", "margin", "standing"),
    [
        ([HIGHER, HIGHER], 0.0, "borne out here"),
        ([HIGHER, None], 0.0, "borne out here"),
        ([HIGHER, UNDECIDED], 0.0, "undecided"),
        ([LOWER], 0.0, "not borne out"),
        ([HIGHER, LOWER, UNDECIDED], 0.0, "not borne out"),
        ([UNDECIDED], 2.0, "borne out here"),  # within two points
        ([None], 0.0, "not tested"),
        ([], 0.0, "not tested"),
    ],
)
def test_a_claim_stands_or_falls_with_its_comparisons(differences, margin, standing):
    claim = Claim("says", "where", [PAIR] * len(differences), margin=margin)
    assert ClaimResult(claim, [ComparisonResult(PAIR, d) for d in differences]).standing == standing


def scored(label: str, *by_seed: dict[str, float]) -> LineResult:
    scores = [
        Score(
            made="now",
            clips="",
            metrics={},
            videos=list(shares),
            sources=list(shares),
            hits={"RB": list(shares.values())},
            unreadable=0,
        )
        for shares in by_seed
    ]
    return LineResult(Line(label, None, Look()), scores, [])


def test_clips_are_paired_by_name_and_those_that_not_every_run_read_are_left_out() -> None:
    lines = {
        "a": scored("a", {"1": 1.0, "2": 0.0, "3": 0.5}, {"1": 1.0, "3": 0.5, "4": 0.0}),
        "b": scored("b", {"3": 0.5, "1": 0.5, "5": 1.0}, {"1": 0.5, "2": 1.0, "3": 0.5, "4": 1.0}),
    }
    result = compare_lines(PAIR, lines)
    assert result.difference is not None
    assert result.difference.mean == pytest.approx(0.25)  # of "1" and "3", over two seeds
    assert result.left_out == 3
    nothing = compare_lines(PAIR, {"a": scored("a", {"1": 1.0}), "b": scored("b", {"2": 1.0})})
    assert (nothing.difference, nothing.left_out) == (None, 2)
    assert compare_lines(PAIR, {"a": scored("a"), "b": scored("b", {"2": 1.0})}).difference is None


def test_scores_name_the_clips_that_were_read_and_a_file_without_names_is_made_anew(
    tmp_path: Path, tiny_settings: Settings, coloured_clips: Path
) -> None:
    clips = shutil.copytree(coloured_clips, tmp_path / "clips")  # one of which is damaged below
    base = replace(tiny_settings, data=str(clips)).base()
    run = train_runs({identity(base): base}, tmp_path / "runs", ["cpu"]).runs[identity(base)]
    whole = score_run(run, Look(), torch.device("cpu"))
    (kept,) = run.path.glob("score-*.json")
    Path(whole.videos[1]).write_bytes(b"")
    kept.write_text(Score.model_validate_json(kept.read_text()).model_dump_json(exclude={"sources"}), encoding="utf-8")
    again = score_run(run, Look(), torch.device("cpu"))
    assert again.videos == [*whole.videos[:1], *whole.videos[2:]]
    assert [len(hits) for hits in again.hits.values()] == [len(again.videos)] * 3
    line = Line("a", None, Look())
    pair = Comparison(("whole", Branch.RB), ("again", Branch.RB))
    result = compare_lines(pair, {"whole": LineResult(line, [whole], [run]), "again": LineResult(line, [again], [run])})
    assert result.left_out == 1
    assert result.difference is not None
    assert (result.difference.mean, result.difference.low, result.difference.high) == (0.0, 0.0, 0.0)


def test_a_score_of_other_clips_is_made_anew(tmp_path: Path, tiny_settings: Settings, coloured_clips: Path) -> None:
    """Also where a clip only shows something else under its old name."""
    clips = shutil.copytree(coloured_clips, tmp_path / "clips")
    base = replace(tiny_settings, data=str(clips)).base()
    run = train_runs({identity(base): base}, tmp_path / "runs", ["cpu"]).runs[identity(base)]
    first = score_run(run, Look(), torch.device("cpu"))
    (kept,) = run.path.glob("score-*.json")
    written = kept.stat().st_mtime_ns
    assert score_run(run, Look(), torch.device("cpu")) == first
    assert kept.stat().st_mtime_ns == written
    label = Path(first.videos[0]).parent.name
    other = next(path for path in sorted(clips.glob("*/*.mp4")) if path.parent.name != label)
    shutil.copyfile(other, first.videos[0])
    second = score_run(run, Look(), torch.device("cpu"))
    assert second.videos == first.videos
    assert second.clips != first.clips
    assert Score.model_validate_json(kept.read_text(encoding="utf-8")) == second


def test_the_report_says_how_many_clips_were_left_out(tmp_path: Path, tiny_settings: Settings) -> None:
    recipe = tiny_settings.base()
    made = Made("tmnet ...", describe_machine(torch.device("cpu")), [0], recipe, recipe, clips=9, sources=4)
    plan = Plan("table3", "title", "about", [])
    pairs = [ComparisonResult(PAIR, HIGHER, 3), ComparisonResult(PAIR, LOWER)]
    write_report(tmp_path / "report.md", [Results(plan, [], [], pairs)], made, {}, {})
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "+2.0 (+1.0 to +3.0), 3 clips left out that not every run could read" in report
    assert report.count("left out") == 1
    assert "the 4 source videos of the 9 clips resampled, each as a whole. Of one seed they know nothing" in report


@pytest.mark.parametrize(
    ("seeds", "begins"),
    [
        (2, "**Not borne out**: “says” (where). Of 2 comparisons 1 bear it out, 1 speak against it, and 0 allow"),
        (
            1,
            "**Undecided**: “says” (where). With one run a side, by the clips alone, of 2 comparisons 1 bear it out, 1",
        ),
    ],
)
def test_one_run_a_side_decides_no_claim(tmp_path: Path, tiny_settings: Settings, seeds: int, begins: str) -> None:
    recipe = tiny_settings.base()
    made = Made("tmnet ...", describe_machine(torch.device("cpu")), range(seeds), recipe, recipe, clips=9, sources=9)
    found = [ComparisonResult(PAIR, replace(difference, seeds=seeds)) for difference in (HIGHER, LOWER)]
    claim = ClaimResult(Claim("says", "where", [PAIR] * 2), found)
    write_report(tmp_path / "report.md", [Results(Plan("table3", "title", "about", []), [], [claim])], made, {}, {})
    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert begins in report
    assert "- for it: RB of a − RB of b +2.0 (+1.0 to +3.0)\n- against it: RB of a − RB of b -2.0" in report
