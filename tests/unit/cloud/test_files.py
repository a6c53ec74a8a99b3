# SPDX-License-Identifier: Apache-2.0
"""Snapshots in files: what is written is read, what is wrong is named."""

import json
import os
import re
import stat
import tracemalloc

import jsonschema
import msgspec
import pytest
import yaml

from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud import snapshot
from hypervisor_affinity.cloud.files import FileSource
from hypervisor_affinity.cloud.files import save
from hypervisor_affinity.cloud.snapshot import SECTIONS
from hypervisor_affinity.cloud.source import SourceError
from tests import cloud_of_records as records
from tests.cloud_of_records import ISO
from tests.cloud_of_records import both
from tests.cloud_of_records import server

HEAD = {'format': snapshot.FORMAT, 'version': 1}


def write(path, **sections):
    path.write_text(json.dumps({**HEAD, **sections}))
    return path


def everything(source):
    return {name: list(getattr(source, name)()) for name in SECTIONS}


@pytest.fixture
def cloud():
    odd = msgspec.structs.replace(
        ISO,
        id='i-odd',
        name='ünïcode "quoted"\nline',
        properties={'hypervisor_type': 'vmware'},
        dropped=('vmware_tools_version',),
    )
    return both(
        hosts=[
            records.kvm('kvm-1', traits=('HW_CPU_X86_AVX',)),
            records.vcenter('vc-1', supported=('vmware',), vcpus=None),
        ],
        images=[ISO, odd],
        servers=[
            server('a', ISO, 'kvm-1'),
            server('b', None, None, status='ERROR', fault='No valid host: {}'),
            server('c', odd, 'vc-1', image_properties=None),
        ],
    )


@pytest.mark.parametrize('name', ['s.json', 's.yaml', 's.yml', 'snapshot'])
def test_what_is_saved_is_read(cloud, tmp_path, name):
    path = tmp_path / name
    counts = save(cloud, path)
    assert counts == {
        name: len(found) for name, found in everything(cloud).items()
    }
    source = FileSource(path)
    assert everything(source) == everything(cloud)
    # As often as one likes.
    assert everything(source) == everything(cloud)
    assert source.taken_from == 'the records'
    assert re.fullmatch(
        r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00', source.taken_at
    )
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize('name', ['s.json', 's.yaml'])
def test_an_empty_cloud(tmp_path, name):
    save(records.Records(), tmp_path / name)
    assert everything(FileSource(tmp_path / name)) == {
        section: [] for section in SECTIONS
    }


def test_only_the_user_may_read_it(cloud, tmp_path):
    save(cloud, tmp_path / 's.json')
    assert stat.S_IMODE((tmp_path / 's.json').stat().st_mode) == 0o600


@pytest.mark.parametrize('name', ['s.json', 's.yaml'])
def test_the_schema_describes_it(cloud, tmp_path, name):
    path = tmp_path / name
    save(cloud, path)
    document = yaml.safe_load(path.read_text())
    jsonschema.validate(document, snapshot.schema())
    document['hosts'][0]['vcpus']['total'] = '8'
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, snapshot.schema())


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
    assert str(raised.value) == f'{path}: {message}'


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
            'at $: Object contains unknown field `clusters`',
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
        assert str(raised.value) == f'{path}: {message}'


@pytest.mark.parametrize('share', [0.2, 0.5, 0.9, 0.999])
def test_half_a_file_is_refused_at_once(cloud, tmp_path, share):
    path = tmp_path / 's.json'
    save(cloud, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(SourceError, match='no JSON, or not all of it'):
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


class _Failing(records.Records):
    error: Exception

    def servers(self):
        yield server('a', None, None)
        raise self.error


@pytest.mark.parametrize('suffix', ['json', 'yaml'])
@pytest.mark.parametrize(
    'error', [SourceError('nova is gone'), KeyboardInterrupt(), OSError(28)]
)
def test_a_failure_leaves_what_was_there(tmp_path, suffix, error):
    path = tmp_path / f's.{suffix}'
    path.write_text('the old one')
    source = _Failing()
    source.error = error
    with pytest.raises((SourceError, KeyboardInterrupt)):
        save(source, path)
    assert path.read_text() == 'the old one'
    assert os.listdir(tmp_path) == [path.name]


def test_a_folder_that_is_not_there(cloud, tmp_path):
    with pytest.raises(SourceError, match='No such file'):
        save(cloud, tmp_path / 'no' / 's.json')


def test_saving_is_watched(cloud, tmp_path):
    seen = []

    def watch(section, found):
        for record in found:
            seen.append(section)
            yield record

    counts = save(cloud, tmp_path / 's.json', watch)
    assert {s: seen.count(s) for s in SECTIONS} == counts


def test_memory_does_not_grow_with_the_servers(tmp_path):
    def peak(count):
        servers = (server(str(n), ISO, 'kvm-1') for n in range(count))
        source = both()
        source.servers = lambda: servers
        path = tmp_path / f'{count}.json'
        tracemalloc.start()
        save(source, path)
        assert sum(1 for _ in FileSource(path).servers()) == count
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(5_000) < 2 * peak(500)


def test_an_element_a_line(cloud, tmp_path):
    save(cloud, tmp_path / 's.json')
    lines = (tmp_path / 's.json').read_text().splitlines()
    assert [json.loads(line.rstrip(','))['id'] for line in lines[-4:-1]] == [
        's-a',
        's-b',
        's-c',
    ]


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('nothing', "the records has no image 'nothing'"),
        (
            'twin',
            "the records has 2 images named 'twin'; give the id of one: 1, 2",
        ),
    ],
)
def test_finding_by_name(name, message):
    twins = [msgspec.structs.replace(ISO, name='twin', id=i) for i in '21']
    source = both(images=[*twins, ISO])
    assert source.image('iso') is source.image('i-iso') is ISO
    assert source.image('2') is twins[0]
    with pytest.raises(SourceError) as raised:
        source.image(name)
    assert str(raised.value) == message


def test_many_of_a_name_are_not_all_told():
    images = [
        msgspec.structs.replace(ISO, id='\x1b' * number)
        for number in range(1, 2000)
    ]
    with pytest.raises(SourceError, match=r' and 1989 more$') as raised:
        both(images=images).image('iso')
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 3000


def test_a_file_of_properties_has_strings(tmp_path):
    path = tmp_path / 'image.yaml'
    path.write_text('disk_format: vmdk\nvmware_image_version: 1\n')
    with pytest.raises(SourceError) as raised:
        files.read_yaml(path, dict[str, str])
    assert str(raised.value) == (
        f"{path}: at $['vmware_image_version']: Expected `str`, got `int`"
    )


def _text(**sections):
    return json.dumps({**HEAD, **sections})


_DEEP = _text(hosts=[{'name': 'DEEP'}]).replace('"DEEP"', '[' * 10**5)
_LONG = _text(hosts=[{'name': 'x' * 3 * 1024**2}])


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        (_DEEP, 'in $.hosts: more than 20 levels inside of one another'),
        ('[' * 10**6, 'more than 20 levels inside of one another'),
        (_LONG, 'in $.hosts: an element of more than 1 MiB'),
        (
            _text(hosts=[{'name': 'a', 'vcpus': {'total': 10**4000}}]),
            'no JSON, or not all of it: parse error: integer overflow',
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
            'no JSON, or not all of it: lexical error: invalid char in json',
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
        f'{path}: no JSON, or not all of it: lexical error: invalid bytes in '
        'UTF8 string.'
    )


def test_many_elements_are_not_one_large(tmp_path, monkeypatch):
    monkeypatch.setattr(files, '_LARGEST', 2 * 1024**2)
    hosts = [{'name': f'{i}-{"x" * 1000}'} for i in range(5000)]
    path = write(tmp_path / 's.json', hosts=hosts)
    assert len(list(FileSource(path).hosts())) == len(hosts)


def test_nobody_waits_for_a_fifo(tmp_path):
    path = tmp_path / 's.json'
    os.mkfifo(path)
    with pytest.raises(SourceError, match='it is no regular file'):
        FileSource(path)
