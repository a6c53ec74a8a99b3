# SPDX-License-Identifier: Apache-2.0
"""The file that records are added to."""

import errno
import os

import pytest

from hypervisor_affinity.decisions.line_file import LineFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'decisions.jsonl'


@pytest.fixture
def file(path):
    file = LineFile(path)
    yield file
    file.close()


def test_lines_are_added(path):
    path.write_bytes(b'old\n')
    for line in (b'a', b'b'):
        file = LineFile(path)
        file.add(line)
        file.close()
    assert path.read_bytes() == b'old\na\nb\n'


def test_each_line_is_there_at_once(file, path):
    file.add(b'a')
    assert path.read_bytes() == b'a\n'


def test_others_than_its_owner_and_group_cannot_read_it(file, path):
    assert path.stat().st_mode & 0o7 == 0


@pytest.mark.parametrize('create', [False, True])
def test_a_file_that_was_moved_away(file, path, create):
    file.add(b'a')
    moved = path.rename(path.with_suffix('.1'))
    if create:
        path.touch()
    file.add(b'b')
    assert moved.read_bytes() == b'a\n'
    assert path.read_bytes() == b'b\n'


def test_a_file_that_was_copied_and_emptied(file, path):
    file.add(b'a' * 100)
    os.truncate(path, 0)
    file.add(b'b')
    assert path.read_bytes() == b'b\n'


def test_a_line_that_was_cut_off_stays_by_itself(path):
    path.write_bytes(b'whole\nha')
    file = LineFile(path)
    file.add(b'a')
    file.add(b'b')
    file.close()
    assert path.read_bytes() == b'whole\nha\na\nb\n'


class Full:
    """A disk that has room for some bytes."""

    def __init__(self, room):
        self._room = room
        self._write = os.write

    def write(self, number, whole):
        if not self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        part = whole[: self._room]
        self._room -= len(part)
        return self._write(number, part)


def test_nothing_stays_of_what_has_no_room(file, path, monkeypatch):
    file.add(b'a')
    with monkeypatch.context() as patch:
        patch.setattr(os, 'write', Full(5).write)
        with pytest.raises(OSError, match='No space left'):
            file.add(b'0123456789')
    assert path.read_bytes() == b'a\n'
    file.add(b'b')
    assert path.read_bytes() == b'a\nb\n'


def test_what_is_written_in_parts_is_whole(file, path, monkeypatch):
    with monkeypatch.context() as patch:
        write = os.write
        patch.setattr(os, 'write', lambda n, whole: write(n, whole[:3]))
        file.add(b'0123456789')
    assert path.read_bytes() == b'0123456789\n'


def test_what_is_no_file(tmp_path):
    with pytest.raises(OSError, match='is a directory'):
        LineFile(tmp_path)
    os.mkfifo(tmp_path / 'pipe')
    with pytest.raises(OSError, match='is a pipe'):
        LineFile(tmp_path / 'pipe')


def test_a_link_is_followed(tmp_path, path):
    link = tmp_path / 'link'
    link.symlink_to(path)
    file = LineFile(link)
    file.add(b'a')
    path.rename(tmp_path / 'moved')
    file.add(b'b')
    file.close()
    assert link.is_symlink()
    assert path.read_bytes() == b'b\n'


def test_a_directory_that_is_gone(file, path):
    path.unlink()
    path.parent.rmdir()
    with pytest.raises(OSError, match='No such file'):
        file.add(b'a')
