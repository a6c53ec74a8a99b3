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


def everything(source):
    return {name: list(getattr(source, name)()) for name in SECTIONS}


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
            'sio',
            "the records has no image 'sio'; did you mean 'iso'?",
        ),
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


@pytest.mark.parametrize(
    ('text', 'wrong'),
    [
        ('1: x', '$ (line 1): a key: Expected `str`, got `int`'),
        (
            'a: x\nb: [y]\n',
            "$['b'] (line 2): Expected `int | str`, got `array`",
        ),
    ],
)
def test_a_wrong_property_of_a_file(tmp_path, text, wrong):
    path = tmp_path / 'image.yaml'
    path.write_text(text)
    with pytest.raises(SourceError) as raised:
        files.read_yaml(path, dict[str, str | int])
    assert str(raised.value) == f'{path}: at {wrong}'


def test_a_file_of_properties_has_strings(tmp_path):
    path = tmp_path / 'image.yaml'
    path.write_text('disk_format: vmdk\nvmware_image_version: 1\n')
    with pytest.raises(SourceError) as raised:
        files.read_yaml(path, dict[str, str])
    assert str(raised.value) == (
        f"{path}: at $['vmware_image_version'] (line 2): "
        'Expected `str`, got `int`'
    )
