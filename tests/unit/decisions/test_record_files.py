# SPDX-License-Identifier: Apache-2.0
"""Finding the records of a server in files."""

import os
import subprocess

import pytest

from hypervisor_affinity.decisions import record
from hypervisor_affinity.decisions import record_files
from tests import decision_records as records


@pytest.fixture
def save(tmp_path):
    """Save lines; return the path."""

    def save(*lines, name='decisions.jsonl', end=b'\n'):
        path = tmp_path / name
        path.write_bytes(b'\n'.join(lines) + end)
        return path

    return save


def at(time, **changes):
    return records.line(
        message=time,
        decided_at=f'2026-12-01T{time}:00+00:00',
        **changes,
    )


def times(found):
    return [f'{each.decided_at:%H:%M}' for each in found.records]


def of_server(*paths):
    return record_files.of_server(paths, records.SERVER)


def test_those_of_the_server_newest_last(save):
    path = save(at('10:02'), at('10:00', server=records.OTHER), at('10:01'))
    found = of_server(path)
    assert times(found) == ['10:01', '10:02']
    assert found.unreadable == []


def test_of_several_files(save):
    old = save(at('10:00'), name='decisions.jsonl.1')
    assert times(of_server(save(at('10:01')), old)) == ['10:00', '10:01']


def test_one_that_the_bus_sent_twice_is_there_once(save):
    assert times(of_server(save(at('10:00'), at('10:00')))) == ['10:00']


def test_without_an_id_of_its_message_it_is_not_lost(save):
    line = records.line(message=None)
    assert len(of_server(save(line, line)).records) == 2


def test_lines_that_are_no_records(save):
    cut = records.line()[:50]
    path = save(
        at('10:00'),
        b'',
        b'garbage\x1b[2J',
        records.line(version='2.0'),
        records.line(reason=7),
        b'\xff\xfe',
        b'["a"]',
        at('10:01') + b'\r',
        cut,
        end=b'',
    )
    found = of_server(path)
    assert times(found) == ['10:00', '10:01']
    assert [each.number for each in found.unreadable] == [3, 4, 5, 6, 7, 9]
    assert str(found.unreadable[1]) == (
        f'{path}: line 4: it is of version 2.0; this release reads 1.x'
    )


def test_what_others_wrote_is_not_looked_at_in_full(save):
    path = save(records.line(server=records.OTHER, version='2.0'))
    assert of_server(path).unreadable == []


def test_of_many_lines_that_are_no_records_some_are_named(save):
    found = of_server(save(*[b'x'] * 25))
    assert len(found.unreadable) == 10
    assert found.more_unreadable == 15


def test_a_line_without_end_takes_no_memory(save):
    long = b'x' * (3 * record.LONGEST)
    found = of_server(save(at('10:00'), long, at('10:01')))
    assert times(found) == ['10:00', '10:01']
    ((_, number, why),) = found.unreadable
    assert (number, why) == (2, 'it has more than 256 KiB')


def test_a_pipe(save, tmp_path):
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    # No thread: where nova was imported, it may be a green one.
    with subprocess.Popen(['cp', save(at('10:00')), pipe]):
        assert times(of_server(pipe)) == ['10:00']


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        of_server(tmp_path / 'none')
    assert caught.value.filename == str(tmp_path / 'none')
