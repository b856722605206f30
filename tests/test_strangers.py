"""What files of strangers must not bring about: run code, fill the disk or the memory, or reach out of their folder."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path

import pytest

from tmnet_core import config
from tmnet_core.benchmarks.robustness.corpus import hostile_files
from tmnet_core.checkpoint import read_header
from tmnet_core.config import load_recipe
from tmnet_core.data import csv_annotations
from tmnet_core.data.csv_annotations import csv_split
from tmnet_core.errors import CheckpointError, DataError, RecipeError, TMNetError
from tmnet_core.models.pretrained import read_state_dict
from tmnet_core.training.events import Sampled, read_events
from tmnet_core.training.run_folder import RunFolder


@pytest.mark.parametrize("name", ["../up", "..", ".hidden", "a/b", "a\\b", "C:x", "a\0b", "a\nb"])
def test_a_recipe_makes_no_folder_elsewhere(name: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(f"name = {json.dumps(name)}\n")
    with pytest.raises(RecipeError, match="name"):
        load_recipe(path)


def test_a_recipe_with_a_plain_name_stays_in_the_folder_of_runs(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('name = "my run, 2nd"\n')
    assert RunFolder.create(tmp_path / "runs", load_recipe(path)).path == tmp_path / "runs" / "my run, 2nd"


def test_a_recipe_too_large_to_be_one_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "_MOST_RECIPE_BYTES", 2048)
    path = tmp_path / "recipe.toml"
    path.write_text("#" * 3000)
    with pytest.raises(RecipeError, match="too large for one, with more than 2 KiB"):
        load_recipe(path)


def test_a_table_too_large_to_be_one_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_annotations, "_MOST_BYTES", 100)
    path = tmp_path / "split.csv"
    path.write_text("path,label\n" + "a.mp4,run\n" * 50)
    with pytest.raises(DataError, match="too large for a table of videos"):
        csv_split(path, tmp_path, 0.3, 0)


@pytest.mark.parametrize("picture", ["../../secret.png", "/etc/secret.png", "C:\\secret.png", "a/../../b.png"])
def test_an_event_shows_no_picture_from_elsewhere(picture: str, tmp_path: Path) -> None:
    clip = {"picture": picture, "video": "v", "label": "run", "answers": {}}
    good = {**clip, "picture": "samples/0001-00.png"}
    lines = [json.dumps({"kind": "sampled", "iteration": 1, "clips": [one]}) for one in (clip, good)]
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(lines) + "\n")
    events = list(read_events(path))
    assert [type(event) for event in events] == [Sampled]
    assert events[0].clips[0].picture == "samples/0001-00.png"


def test_an_event_of_a_gigabyte_is_passed_over_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"x" * 5_000_000 + b'\n{"kind":"skipped","iteration":1,"video":"a","reason":"b"}\n')
    assert [event.kind for event in read_events(path)] == ["skipped"]


@pytest.mark.parametrize("what", hostile_files("checkpoint"))
def test_a_hostile_checkpoint_is_refused(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "net.safetensors"
    path.write_bytes(hostile_files("checkpoint")[what])
    with pytest.raises(CheckpointError) as caught:
        read_header(path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "CODE_WAS_RUN").exists()


def test_an_exported_file_opens_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(hostile_files("onnx")["weights in another file"])
    with pytest.raises(CheckpointError, match="keeps its weights in other files"):
        read_header(path)


def test_a_weight_file_that_would_unpack_to_any_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
        archive.writestr("archive/data/0", bytes(50_000_000))
    assert path.stat().st_size < 100_000
    with pytest.raises(TMNetError, match="it is compressed"):
        read_state_dict(path)
