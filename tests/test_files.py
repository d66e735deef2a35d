"""Files: written whole or not at all, where they are, with the mode that they have."""

import os
import stat
from pathlib import Path

import pytest

from hadath.annotations import read_articles
from hadath.errors import HadathError
from hadath.files import file_names, put_between, read_json, write_text


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_link_stays_a_link_and_its_file_is_written(tmp_path):
    (tmp_path / "shared").mkdir()
    target, link = tmp_path / "shared" / "news.jsonl", tmp_path / "news.jsonl"
    target.write_text("old")
    link.symlink_to(target)
    write_text(link, "نص")
    assert link.is_symlink() and target.read_text("utf-8") == "نص"
    assert [path.name for path in target.parent.iterdir()] == ["news.jsonl"]


def test_a_new_file_has_a_plain_files_mode_and_an_old_one_keeps_its_own(tmp_path):
    plain, new, private = tmp_path / "plain", tmp_path / "new", tmp_path / "private"
    plain.write_text("")
    write_text(new, "نص")
    assert mode(new) == mode(plain)
    private.write_text("old")
    private.chmod(0o600)
    write_text(private, "نص")
    assert mode(private) == 0o600 and private.read_text("utf-8") == "نص"


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_text(pipe, "نص")
        assert os.read(reader, 100).decode("utf-8") == "نص"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_key_that_stands_twice_is_told_with_its_place_not_halved(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"id": "a", "text": "نص", "events": [1], "events": []}', encoding="utf-8")
    with pytest.raises(HadathError, match=r"x.jsonl: .*the key 'events' stands twice"):
        read_json(path)
    with pytest.raises(HadathError, match=r"x.jsonl:1: .*the key 'events' stands twice"):
        read_articles(path)


def test_a_files_name_leads_out_of_no_folder_and_two_are_never_one():
    names = ["../../x", "المدى/٣", ".hidden", "a b"]
    assert file_names(names, "here") == ["_.._x", "المدى_٣", "hidden", "a_b"]
    for names in (["a/b", "a_b"], ["..."]):
        with pytest.raises(HadathError, match=r"^here: two ids give the same file name"):
            file_names(names, "here")


def test_text_is_put_between_marks_and_nothing_else_moves(tmp_path):
    path = tmp_path / "README.md"
    path.write_bytes("قبل\r\n<!-- a -->old<!-- b -->\nبعد".encode())
    put_between(path, "<!-- a -->", "<!-- b -->", "new")
    assert path.read_bytes().decode() == "قبل\r\n<!-- a -->\nnew\n<!-- b -->\nبعد"
    with pytest.raises(HadathError, match=r"README\.md: no <!-- b --> … <!-- a -->"):
        put_between(path, "<!-- b -->", "<!-- a -->", "new")


def test_a_folder_in_the_way_is_one_line_and_nothing_is_left(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(HadathError, match="taken: not written"):
        write_text(tmp_path / "taken", "نص")
    assert [path.name for path in Path(tmp_path).iterdir()] == ["taken"]
