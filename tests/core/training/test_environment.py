import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tmnet_core.training.environment import describe_environment, git_state, record_environment


def test_it_says_what_it_ran_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "tmnet_core", "train", "mein Rezept.toml"])
    said = describe_environment(torch.device("cpu"), 7)
    assert (said["seed"], said["torch"], said["device"]) == (7, torch.__version__, "CPU")
    # Pasted into a shell, it does the same again.
    assert said["command"] == "python -m tmnet_core train 'mein Rezept.toml'"
    for seed in (7, 8, 9):
        record_environment(tmp_path / "environment.json", {"seed": seed})
    assert json.loads((tmp_path / "environment.json").read_text(encoding="utf-8")) == {
        "seed": 9,
        "earlier": [{"seed": 7}, {"seed": 8}],
    }


def test_the_state_of_a_working_folder_is_its_commit_and_what_was_changed(tmp_path: Path) -> None:
    assert git_state(tmp_path) is None
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "-q", "-b", "work"], [*identity, "commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    (tmp_path / "recipe ü.toml").write_text("")
    state = git_state(tmp_path)
    assert state is not None
    assert (len(state["commit"]), state["branch"], len(state["changed"])) == (40, "work", 1)
