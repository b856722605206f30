import pytest

from tmnet_core.files import is_torch_pickle, replacing


def test_the_file_appears_whole_under_its_name(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == tmp_path
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(OSError, match="disk full"), replacing(path) as temporary:
        temporary.write_text("ne")
        raise OSError("disk full")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_told_of_the_file_asked_for(tmp_path):
    path = tmp_path / "none" / "file.txt"
    with pytest.raises(FileNotFoundError) as caught, replacing(path) as temporary:
        temporary.write_text("new")
    assert caught.value.filename == str(path)


def test_an_interrupted_first_write_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "file.txt") as temporary:
        temporary.write_text("ne")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("start", "pickled"),
    [
        (b"PK\x03\x04rest", True),
        (b"\x80\x02}q\x00", True),
        (b"\x80\x05\x95", True),
        (b"\x80\x02", True),
        (b"PK", False),
        (b"\x80\x00\x00\x00\x00\x00\x00\x00{", False),
        (b"", False),
    ],
)
def test_torch_s_files_are_told_by_their_first_bytes(tmp_path, start, pickled):
    (tmp_path / "file").write_bytes(start)
    assert is_torch_pickle(tmp_path / "file") == pickled
