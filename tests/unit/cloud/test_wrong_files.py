# SPDX-License-Identifier: Apache-2.0
"""Snapshots in files that are none, or not all of one."""

import json
import os
import re

import pytest

from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud import snapshot
from hypervisor_affinity.cloud.files import FileSource
from hypervisor_affinity.cloud.files import save
from hypervisor_affinity.cloud.source import SourceError

HEAD = {'format': snapshot.FORMAT, 'version': 1}


def placed(message, suffix):
    # Here all is on one line.
    if suffix == 'json':
        return message
    return message.replace(': ', ' (line 1): ', 1)


def write(path, **sections):
    path.write_text(json.dumps({**HEAD, **sections}))
    return path


@pytest.mark.parametrize('suffix', ['json', 'yaml'])
@pytest.mark.parametrize(
    ('sections', 'section', 'message'),
    [
        (
            {'hosts': [{'name': 'a'}, {'name': 'b', 'vcpus': {'total': '8'}}]},
            'hosts',
            'at $.hosts[1].vcpus.total: Expected `int`, got `str`',
        ),
        (
            {'aggregates': [{'name': 'a', 'metadata': {'x': 'y', 'z': 20}}]},
            'aggregates',
            "at $.aggregates[0].metadata['z']: Expected `str`, got `int`",
        ),
        (
            {'hosts': [{'name': 'a', 'state': 'UP'}]},
            'hosts',
            "at $.hosts[0].state: Invalid enum value 'UP'",
        ),
        (
            {'hosts': [{'name': 'a', 'memory_mb': {'total': -1}}]},
            'hosts',
            'at $.hosts[0].memory_mb.total: Expected `int` >= 0',
        ),
        (
            {
                'hosts': [
                    {
                        'name': 'a',
                        'vcpus': {'total': 1, 'allocation_ratio': 4.5e38},
                    }
                ]
            },
            'hosts',
            'at $.hosts[0].vcpus.allocation_ratio: '
            'Expected `float` <= 3.40282e+38',
        ),
        (
            {'images': [{'name': 'a', 'checksum': 'x'}]},
            'images',
            'at $.images[0]: Object contains unknown field `checksum`',
        ),
        (
            {'servers': [{'id': 'a', 'flavor': {'id': 'x'}}]},
            'servers',
            'at $.servers[0].flavor: Object missing required field `name`',
        ),
        (
            {
                'servers': [
                    {
                        'id': 'a',
                        'flavor': {'name': 'f', 'extra_specs': {'k': None}},
                    }
                ]
            },
            'servers',
            "at $.servers[0].flavor.extra_specs['k']: "
            'Expected `str`, got `null`',
        ),
    ],
)
def test_a_wrong_element_is_named(
    tmp_path, suffix, sections, section, message
):
    # JSON is YAML, too.
    path = write(tmp_path / f's.{suffix}', **sections)
    with pytest.raises(SourceError) as raised:
        list(getattr(FileSource(path), section)())
    assert str(raised.value) == f'{path}: {placed(message, suffix)}'


@pytest.mark.parametrize('suffix', ['json', 'yaml'])
@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('[]', None),
        ('{}', 'at $: Object missing required field `format`'),
        (
            '{"format": "other", "version": 1}',
            "at $.format: Invalid enum value 'other'",
        ),
        (
            '{"format": "hypervisor-affinity-snapshot", "version": 2}',
            'at $.version: Invalid enum value 2',
        ),
        (
            json.dumps({**HEAD, 'clusters': [{'name': 'x'}]}),
            'at $: Object contains unknown field `clusters`; did you mean '
            "'vcenters'?",
        ),
        (json.dumps({**HEAD, 'hosts': 3}), None),
        (json.dumps({**HEAD, 'hosts': {'name': 'x'}}), None),
    ],
)
def test_what_is_no_snapshot_is_refused_at_once(
    tmp_path, suffix, text, message
):
    path = tmp_path / f's.{suffix}'
    path.write_text(text)
    with pytest.raises(SourceError) as raised:
        FileSource(path)
    assert str(path) in str(raised.value)
    if message:
        assert str(raised.value) == f'{path}: {placed(message, suffix)}'


LINES = """\
format: hypervisor-affinity-snapshot
version: 1
aggregates:
- name: a
  metadata:
    x: y
    z: w
hosts:
- name: a
- name: b
  vcpus:
    total: 8
    allocation_ratoi: 2.0
vcenters:
- name: vc
  clusters:
  - id: domain-c1
    hosts:
    - name: esxi-1
      adapters:
        vmk0: [vmotion]
        vmk1: [management, 3]
"""


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        (
            'z: w',
            'z: 20',
            "at $.aggregates[0].metadata['z'] (line 7): Expected `str`",
        ),
        (
            '',
            '',
            'at $.hosts[1].vcpus (line 13): Object contains unknown field '
            "`allocation_ratoi`; did you mean 'allocation_ratio'?",
        ),
        (
            'hosts:\n- name: a',
            'hosts: &h\n- neme: a',
            'at $.hosts[0] (line 9): Object contains unknown field `neme`; '
            "did you mean 'name'?",
        ),
        (
            'vcpus:\n    total: 8\n    allocation_ratoi',
            'traits:\n    - x\n  aggregate',
            'at $.hosts[1] (line 13): Object contains unknown field '
            '`aggregate`',
        ),
    ],
)
def test_a_line_of_yaml_is_named(tmp_path, old, new, message):
    path = tmp_path / 's.yaml'
    path.write_text(LINES.replace(old, new))
    with pytest.raises(SourceError) as raised:
        FileSource(path)
    assert message in str(raised.value)


def test_the_key_of_a_list_that_is_wrong(tmp_path):
    path = tmp_path / 's.yaml'
    path.write_text(LINES.replace('ratoi', 'ratio'))
    with pytest.raises(SourceError) as raised:
        FileSource(path)
    place = "$.vcenters[0].clusters[0].hosts[0].adapters['vmk1'][1] (line 22)"
    assert f'at {place}: Expected `str`, got `int`' in str(raised.value)


@pytest.mark.parametrize('share', [0.2, 0.5, 0.9, 0.999])
def test_half_a_file_is_refused_at_once(cloud, tmp_path, share):
    path = tmp_path / 's.json'
    save(cloud, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(SourceError, match='not valid JSON, or truncated'):
        FileSource(path)


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'\xff\xfe\x00',
        b'a: [',
        b'a: \x00',
        b'taken_at: 2026-02-30',
        b'version: ' + b'1' * 5000,
    ],
    ids=lambda content: repr(content[:20]),
)
@pytest.mark.parametrize('suffix', ['json', 'yaml'])
def test_what_is_neither_json_nor_yaml(tmp_path, suffix, content):
    path = tmp_path / f's.{suffix}'
    path.write_bytes(content)
    with pytest.raises(SourceError, match=re.escape(str(path))):
        FileSource(path)


def test_what_is_wrong_with_yaml_is_one_line(tmp_path):
    path = tmp_path / 's.yaml'
    path.write_text('a: [')
    with pytest.raises(SourceError, match='column') as raised:
        FileSource(path)
    assert '\n' not in str(raised.value)


def test_a_file_that_is_not_there(tmp_path):
    for name in ('s.json', 's.yaml'):
        with pytest.raises(SourceError, match='No such file'):
            FileSource(tmp_path / name)
    with pytest.raises(SourceError, match='Is a directory'):
        FileSource(tmp_path)


def _text(**sections):
    return json.dumps({**HEAD, **sections})


_DEEP = _text(hosts=[{'name': 'DEEP'}]).replace('"DEEP"', '[' * 10**5)
_LONG = _text(hosts=[{'name': 'x' * 3 * 1024**2}])


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        (_DEEP, 'in $.hosts: more than 20 nested levels'),
        ('[' * 10**6, 'more than 20 nested levels'),
        (_LONG, 'in $.hosts: an element is larger than 1 MiB'),
        (
            _text(hosts=[{'name': 'a', 'vcpus': {'total': 10**4000}}]),
            'not valid JSON, or truncated: parse error: integer overflow',
        ),
        (
            _text(hosts=[{'name': 'a', 'vcpus': {'total': 2**31}}]),
            'at $.hosts[0].vcpus.total: Expected `int` <= 2147483647',
        ),
        (
            _text(hosts=[{'name': 'a', 'hypervisor_version': -1}]),
            'at $.hosts[0].hypervisor_version: Expected `int` >= 0',
        ),
        (
            _text(hosts=[{'name': 'a', 'hypervisor_version': float('nan')}]),
            'not valid JSON, or truncated: lexical error: invalid char in js',
        ),
        ('[1, 2]', 'at $: Object missing required field `format`'),
        ('{"format": {}, "version": 1}', 'at $.format: '),
    ],
    ids=lambda text: text[-40:],
)
def test_what_is_no_json_of_a_snapshot(tmp_path, monkeypatch, text, says):
    monkeypatch.setattr(files, '_LARGEST', 1024**2)
    path = tmp_path / 's.json'
    path.write_text(text)
    with pytest.raises(SourceError) as caught:
        list(FileSource(path).hosts())
    assert str(caught.value).startswith(f'{path}: ')
    assert says in str(caught.value)


def test_what_is_no_utf_8(tmp_path):
    path = tmp_path / 's.json'
    path.write_bytes(b'{"format": "\xff"}')
    with pytest.raises(SourceError) as caught:
        FileSource(path)
    assert str(caught.value) == (
        f'{path}: not valid JSON, or truncated: lexical error: invalid bytes '
        'in UTF8 string.'
    )


def test_many_elements_are_not_one_large(tmp_path, monkeypatch):
    monkeypatch.setattr(files, '_LARGEST', 2 * 1024**2)
    hosts = [{'name': f'{i}-{"x" * 1000}'} for i in range(5000)]
    path = write(tmp_path / 's.json', hosts=hosts)
    assert len(list(FileSource(path).hosts())) == len(hosts)


def test_nobody_waits_for_a_fifo(tmp_path):
    path = tmp_path / 's.json'
    os.mkfifo(path)
    with pytest.raises(SourceError, match='not a regular file'):
        FileSource(path)
