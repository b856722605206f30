import sys
from pathlib import Path

import pytest

from tmnet_app.training.trial_runner import TrialRunner
from tmnet_core.config import Recipe

SAID = (
    "tmnet: weights imagenet: torchvision's weights of mobilenet_v2 could not be downloaded (there is no connection to "
    "the server); set start.weights to a local file"
)


@pytest.mark.skipif(sys.platform == "win32", reason="a script is no program there")
def test_what_a_trial_ends_with_is_one_sentence_and_what_to_do_in_the_form_s_words(
    qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "trial"
    program.write_text(f"#!/bin/sh\necho 'Traceback of a library' >&2\necho \"{SAID}\" >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    runner = TrialRunner()
    with qtbot.waitSignal(runner.failed, timeout=15_000) as told:
        runner.start(Recipe())
    assert told.args == [
        "Weights imagenet: torchvision's weights of mobilenet_v2 could not be downloaded (there is no connection to "
        "the server). Set “Start from” to a local file."
    ]
