# SPDX-License-Identifier: Apache-2.0
"""Reading what comes from outside as a record."""

import datetime
import json
import pathlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hypervisor_affinity.core import decision
from hypervisor_affinity.decisions import record
from hypervisor_affinity.decisions.record import RecordError
from tests import decision_records as records

PAGES = pathlib.Path(__file__).parents[3] / 'doc/source'


def test_a_record_of_the_scheduler():
    found = record.read(records.line())
    assert found.decided_at == datetime.datetime(
        2026, 12, 1, 10, 0, 0, 250000, datetime.UTC
    )
    assert found.scheduler == records.SCHEDULER
    assert found.message_id == 'm1'
    assert found.server == records.SERVER
    assert (found.project, found.request_id) == ('p1', 'req-1')
    assert (found.kind, found.look_up) == ('boot', None)
    assert (found.outcome, found.reason) == ('refused', 'other_hypervisor')
    assert found.demand.text == 'image needs VMware (disk_format=vmdk)'
    assert found.demand.required == ('vmware',)
    assert found.demand.signs == (record.Sign('image', 'disk_format', 'vmdk'),)
    assert found.hosts == {'other_hypervisor': 2}
    assert found.passed == 0
    assert found.modes == ('enforce',)
    assert found.order == ('vmware',)
    assert found.first_left is False
    assert found.options['preferred_hypervisors'] == ['kvm', 'vmware']


def test_it_reads_all_that_the_scheduler_writes():
    written = set(records.payload()) | {'scheduler', 'message_id'}
    assert set(record.Record.__struct_fields__) == written
    demand = set(records.payload()['demand'])
    assert set(record.Demand.__struct_fields__) == demand


def test_the_example_of_the_pages():
    lines = (PAGES / 'cli/examples/decisions.jsonl').read_bytes().splitlines()
    assert len(lines) == 3
    for line in lines:
        record.read(line)
        assert set(json.loads(line)) == set(json.loads(records.line()))


def test_the_page_names_every_key():
    page = (PAGES / 'decisions.rst').read_text()
    for key in records.payload():
        assert f'``{key}``' in page
    for key in records.payload()['demand']:
        assert f'``{key}``' in page


def newer(**changes):
    major, minor = decision.VERSION.split('.')
    return records.line(version=f'{major}.{int(minor) + 1}', **changes)


def test_a_newer_minor_version():
    line = newer(later='x', outcome='deferred', reason='a_new_one')
    found = record.read(line)
    assert (found.outcome, found.reason) == ('deferred', 'a_new_one')
    # What is written has what is not known here.
    assert json.loads(line)['later'] == 'x'


@pytest.mark.parametrize('version', ['0.9', '2.0', '10.0'])
def test_another_major_version(version):
    # Whatever else has changed.
    line = record.line('s', 'm', {'version': version})
    with pytest.raises(RecordError, match=f'of version {version}; this'):
        record.read(line)


@pytest.mark.parametrize(
    ('changes', 'why'),
    [
        ({'version': '1'}, 'matching regex'),
        ({'version': 1}, r'\$\.version'),
        ({'server': None}, r'\$\.server'),
        ({'server': 'x' * 256}, r'length <= 255 - at `\$\.server'),
        ({'reason': 'a b'}, r'\$\.reason'),
        ({'outcome': 'x' * 65}, r'\$\.outcome'),
        ({'outcome': 'passed\n'}, r'\$\.outcome'),
        ({'hosts': {'suitable': -1}}, r'\$\.hosts'),
        ({'hosts': {'x y': 1}}, r'\$\.hosts'),
        ({'passed': True}, r'\$\.passed'),
        ({'decided_at': 'yesterday'}, r'\$\.decided_at'),
        ({'decided_at': '2026-12-01T10:00:00'}, r'\$\.decided_at'),
        ({'demand': {}}, r'\$\.demand'),
        ({'order': 'kvm'}, r'\$\.order'),
    ],
)
def test_wrong_kinds(changes, why):
    with pytest.raises(RecordError, match=why):
        record.read(records.line(**changes))


def test_a_key_that_is_missing():
    payload = records.payload()
    del payload['outcome']
    with pytest.raises(RecordError, match='missing required field `outcome`'):
        record.read(record.line('s', 'm', payload))


def test_it_is_bounded():
    line = records.line(later='x' * record.LONGEST)
    with pytest.raises(RecordError, match='more than 256 KiB'):
        record.read(line)


@pytest.mark.parametrize('publisher', [7, 'x' * 256, ['x']])
def test_a_publisher_that_is_none(publisher):
    with pytest.raises(RecordError, match='scheduler'):
        record.read(records.line(scheduler=publisher))


def test_a_payload_cannot_say_who_sent_it():
    line = records.line(scheduler='nova-scheduler:a', later=1)
    payload = {**records.payload(), 'scheduler': 'nova-scheduler:b'}
    assert record.read(record.line('nova-scheduler:a', 'm', payload)) == (
        record.read(record.line('nova-scheduler:a', 'm', records.payload()))
    )
    assert record.read(line).scheduler == 'nova-scheduler:a'


def nested():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    'payload',
    [None, [], 'x', {'a': object()}, {'a': float('nan')}, {'a': nested()}],
)
def test_what_is_no_payload(payload):
    with pytest.raises(RecordError):
        record.line('s', 'm', payload)


def test_a_line_is_ascii_and_one():
    line = records.line(later='a\n\u202e\u2028\ud800é\x1b')
    assert line.isascii()
    assert line.decode().isprintable()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_an_error(line):
    with pytest.raises(RecordError):
        record.read(line)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(key=st.sampled_from(sorted(records.payload())), value=JSON)
def test_any_value_is_read_or_an_error(key, value):
    try:
        found = record.read(records.line(**{key: value}))
    except RecordError:
        return
    assert isinstance(found, record.Record)
