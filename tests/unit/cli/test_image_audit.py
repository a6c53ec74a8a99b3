# SPDX-License-Identifier: Apache-2.0
"""``image audit`` as its user sees it, of a snapshot and of a Glance."""

import io
import json
import tarfile

import pytest
import yaml

from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.printable import printable
from hypervisor_affinity.operations.image_audit import ImageCheck
from testbed.fake_api import Answer
from testbed.fake_api import FakeApi
from testbed.fake_api import in_json
from tests import disk_files
from tests.cloud_of_records import both
from tests.installed import skip_without

IN_ORDER = {
    'hypervisor_type': 'vmware',
    'vmware_disktype': 'streamOptimized',
    'vmware_adaptertype': 'paraVirtual',
    'vmware_ostype': 'ubuntu64Guest',
}
# One finding that a change mends, of each severity but info.
WRONG = {**IN_ORDER, 'os_distro': 'ubuntu', 'vmware_ostype': 'ubuntu64Guest'}
LINE = 'nova-manage image_property set SERVER --property '


class Glance(FakeApi):
    """Glance, with images that somebody may not change.

    * ``images``: {id: what it tells of it}
    * ``contents``: {id: bytes}
    * ``protected``: ids of those that may not be changed
    * ``forgetful``: whether it says that it changed what it did not
    """

    def __init__(self):
        self.images = {}
        self.contents = {}
        self.protected = set()
        self.forgetful = False
        super().__init__(self._answer)

    def add(self, name, content=b'', **properties):
        image_id = f'1a000000-0000-4000-8000-{len(self.images):012}'
        self.images[image_id] = {
            'id': image_id,
            'name': name,
            'status': 'active',
            'disk_format': 'vmdk',
            'container_format': 'bare',
            'size': len(content),
            'visibility': 'public',
            **properties,
        }
        self.contents[image_id] = content
        return image_id

    def changes(self):
        return [r for r in self.requests if r.method == 'PATCH']

    def _answer(self, request):
        parts = request.path.strip('/').split('/')
        if parts == ['v2']:
            link = {'rel': 'self', 'href': f'{self.url}/v2/'}
            version = {'id': 'v2.17', 'status': 'CURRENT', 'links': [link]}
            return in_json({'versions': [version]}, 300)
        if parts == ['v2', 'images']:
            shown = request.query['os_hidden'] == 'false'
            listed = shown and 'marker' not in request.query
            name = request.query.get('name')
            return in_json(
                {
                    'images': [
                        image
                        for image in self.images.values()
                        if listed and name in (None, image['name'])
                    ]
                }
            )
        image = self.images.get(parts[2])
        if image is None:
            return in_json({}, 404)
        if parts[3:] == ['file']:
            return self._part(request, self.contents[image['id']])
        if request.method == 'PATCH':
            return self._change(request, image)
        return in_json(image)

    def _part(self, request, content):
        first, last = map(
            int, request.headers['Range'].removeprefix('bytes=').split('-')
        )
        span = f'bytes {first}-{last}/{len(content)}'
        return Answer(206, content[first : last + 1], {'Content-Range': span})

    def _change(self, request, image):
        if image['id'] in self.protected:
            return Answer(403, b'{"message": "not yours"}')
        for step in json.loads(request.body) if not self.forgetful else ():
            name = step['path'].removeprefix('/')
            if step['op'] == 'remove':
                del image[name]
            else:
                image[name] = step['value']
        return in_json(image)


class Terminal(io.StringIO):
    """What an operator types."""

    def isatty(self):
        return True


@pytest.fixture
def glance(monkeypatch, tmp_path):
    with Glance() as glance:
        cloud = {
            'auth_type': 'admin_token',
            'auth': {'endpoint': glance.url, 'token': 'x'},
            'region_name': 'north',
            'image_endpoint_override': f'{glance.url}/v2',
            'image_status_code_retries': 0,
        }
        path = tmp_path / 'clouds.yaml'
        path.write_text(yaml.safe_dump({'clouds': {'test': cloud}}))
        monkeypatch.setenv('OS_CLIENT_CONFIG_FILE', str(path))
        monkeypatch.setenv('OS_CLOUD', 'test')
        yield glance


@pytest.fixture
def snapshot(tmp_path):
    """Return a file with an image in order, one that is not, and a qcow2."""
    path = tmp_path / 'cloud.json'
    images = [
        Image('good', 'i-good', 'active', 'vmdk', 'bare', IN_ORDER),
        Image('wrong', 'i-wrong', 'active', 'vmdk', 'bare', WRONG),
        Image('qcow2', 'i-qcow2', 'active', 'qcow2', 'bare'),
        Image('gone', 'i-gone', 'deactivated', 'vmdk', 'bare', WRONG),
    ]
    files.save(both(images=images), path)
    return path


def checks(done):
    return [(row['Name'], row['Check']) for row in done.json()]


def test_of_a_snapshot(run, snapshot):
    done = run('image', 'audit', '--snapshot', snapshot, '-f', 'json')
    assert (done.code, done.err) == (1, '')
    (row,) = done.json()
    assert row == {
        'Severity': 'error',
        'Check': 'guest_id_lost',
        'ID': 'i-wrong',
        'Name': 'wrong',
        'Evidence': 'vmware_ostype=ubuntu64Guest, os_distro=ubuntu',
        'Advice': 'set os_distro=ubuntu64Guest',
    }


@pytest.mark.parametrize(
    ('arguments', 'code', 'found'),
    [
        (('good',), 0, []),
        (('good', 'i-wrong'), 1, [('wrong', 'guest_id_lost')]),
        # Who names it means it, active or not.
        (('gone',), 1, [('gone', 'guest_id_lost')]),
        (('--only', 'disk_type_unknown'), 0, []),
        (('--fail-on', 'never'), 0, [('wrong', 'guest_id_lost')]),
        (('--fail-on', 'info', '--only', 'guest_id_missing'), 0, []),
    ],
)
def test_which_images_and_which_checks(run, snapshot, arguments, code, found):
    done = run(
        *('image', 'audit', '--snapshot', snapshot, '-f', 'json'), *arguments
    )
    assert (done.code, checks(done)) == (code, found)


def test_counts(run, snapshot):
    done = run(
        *('image', 'audit', '--snapshot', snapshot, '--counts', '-f', 'json')
    )
    assert done.code == 1
    counts = {row['Check']: row['Findings'] for row in done.json()}
    assert counts.keys() == set(ImageCheck)
    assert {check for check, count in counts.items() if count} == {
        'guest_id_lost'
    }


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        (('--apply',), 2, 'leave out one of them'),
        (('--apply', '--yes'), 2, 'leave out one of them'),
        (('--yes',), 2, '--yes confirms --apply'),
        (('nowhere',), 3, "no image 'nowhere'"),
        (('--only', 'image_drifted'), 2, "'image_drifted' is none of these"),
    ],
)
def test_what_cannot_be_done(run, snapshot, arguments, code, message):
    done = run('image', 'audit', '--snapshot', snapshot, *arguments)
    assert (done.code, done.out) == (code, '')
    assert message in done.err


def test_the_values_of_what_nova_drops_are_asked_of_glance(run, glance):
    glance.add(
        'x',
        **{'hypervisor_type': 'vmware', 'vmware_disktype': 'sparse'},
        **{'os_distro': 'debian', 'os_version': '12'},
        **{'vmware_adapter_type': 'ide'},
    )
    done = run('image', 'audit', '--no-content', '-f', 'json')
    assert {row['Advice'] for row in done.json()} == {
        'set os_distro=debian12_64Guest',
        'set vmware_adaptertype=ide, remove vmware_adapter_type',
    }


@pytest.fixture
def vmdk(tmp_path):
    """Return the content of a VMDK for an LSI Logic adapter."""
    skip_without('qemu-img')
    path = disk_files.vmdk(
        tmp_path, 'streamOptimized', adapter_type='lsilogic'
    )
    return path.read_bytes()


def test_the_content_is_read(run, glance, vmdk):
    glance.add('x', vmdk, **{**IN_ORDER, 'vmware_disktype': 'sparse'})
    done = run('image', 'audit', '-f', 'json')
    assert checks(done) == [('x', 'disk_type_wrong')]
    assert run('image', 'audit', '--no-content').code == 0


@pytest.mark.parametrize(
    'content',
    [b'', b'KDMV' + bytes(512)],
    ids=['empty', 'a cut header'],
)
def test_content_that_is_none(run, glance, content):
    glance.add('x', content, **IN_ORDER)
    done = run('image', 'audit', '-f', 'json')
    assert (done.code, checks(done)) == (1, [('x', 'content_unreadable')])


def chained_ova():
    """Return an OVA with 900 headers before its first member."""
    link = tarfile.TarInfo('././@LongLink')
    link.type, link.size = tarfile.GNUTYPE_LONGNAME, 1
    member = tarfile.TarInfo('x.ovf').tobuf()
    return (link.tobuf() + b'x'.ljust(512, b'\0')) * 900 + member


@pytest.mark.parametrize('content', ['', 'content'])
def test_one_image_does_not_hide_the_others(run, glance, content):
    """Numbers and chains of any length are an owner's to write."""
    of_debian = {**IN_ORDER, 'vmware_ostype': 'debian'}
    glance.add('long', **of_debian, os_version='9' * 5000)
    glance.add(
        'chained', chained_ova(), **{**IN_ORDER, 'container_format': 'ova'}
    )
    glance.add('wrong', **WRONG)
    switch = ['--no-content'] * (not content)
    done = run('image', 'audit', *switch, '-f', 'json')
    assert done.code == 1
    assert ('wrong', 'guest_id_lost') in checks(done)
    assert (('chained', 'content_unreadable') in checks(done)) == bool(content)
    assert 'not_judged' not in {check for _, check in checks(done)}


@pytest.mark.parametrize(
    'attribute',
    [
        {'name': 7},
        {'status': None},
        {'status': ['active']},
        {'disk_format': {'vmdk': 1}},
        {'size': '12'},
        {'size': -1},
        {'size': 1e30},
        {'id': ['x']},
    ],
    ids=str,
)
def test_attributes_of_wrong_types(run, glance, attribute):
    """It is no Glance that answers like this."""
    image_id = glance.add('x', b'KDMV' + bytes(512), **IN_ORDER)
    glance.images[image_id].update(attribute)
    done = run('image', 'audit', '-f', 'json')
    assert (done.code, done.out) == (3, '')
    assert len(done.err.splitlines()) == 1
    assert 'unexpected' not in done.err
    assert 'is none of glance' in done.err


def test_content_that_nobody_has_foreseen(run, glance, monkeypatch):
    def fail(content):
        raise ZeroDivisionError('hunter2')

    monkeypatch.setattr(
        'hypervisor_affinity.cli.image.audit.inspect_content', fail
    )
    glance.add('x', b'KDMV' + bytes(512), **WRONG)
    done = run('image', 'audit', '-f', 'json')
    assert done.code == 1
    assert checks(done) == [('x', 'guest_id_lost'), ('x', 'not_judged')]
    assert 'its content: unexpected ZeroDivisionError' in done.out
    assert 'hunter2' not in done.out + done.err


def test_content_that_looks_raw_proves_no_disk_type(run, glance):
    glance.add('x', bytes(1024), **IN_ORDER)
    done = run('image', 'audit', '--apply', '-f', 'json')
    assert checks(done) == [
        ('x', 'disk_type_wrong'),
        ('x', 'content_refused'),
    ]


def test_content_that_the_store_has_lost(run, glance, vmdk):
    image_id = glance.add('x', vmdk, **IN_ORDER)
    glance.contents[image_id] = vmdk[:100]
    done = run('image', 'audit', '-f', 'json')
    assert (done.code, checks(done)) == (1, [('x', 'content_unreadable')])


def test_nothing_is_changed_unasked(run, glance):
    glance.add('x', **WRONG)
    assert run('image', 'audit', '--no-content').code == 1
    assert glance.changes() == []


@pytest.mark.parametrize('answer', ['y\n', 'Yes\n'])
def test_apply(run, glance, monkeypatch, answer):
    monkeypatch.setattr('sys.stdin', Terminal(answer))
    glance.add('good', **IN_ORDER)
    wrong = glance.add(
        'wrong', **{**WRONG, 'vmware_disktype': 'STREAMOPTIMIZED'}
    )
    done = run('image', 'audit', '--no-content', '--apply', '-f', 'json')
    assert (done.code, done.json()) == (0, [])
    assert done.err.splitlines() == [
        f'wrong ({wrong}): set os_distro=ubuntu64Guest, '
        'set vmware_disktype=streamOptimized',
        'Change these images? [y/N] Servers that were booted before keep the '
        'properties of then. To change those of',
        'one, stop or shelve it, and run the line below its image where '
        "nova's databases",
        "can be reached, with the server's id for SERVER.",
        '',
        f'wrong ({wrong}): changed',
        f'  {LINE}hw_disk_type=streamOptimized '
        '--property os_distro=ubuntu64Guest',
    ]
    # All of an image at once.
    (change,) = glance.changes()
    assert change.path == f'/v2/images/{wrong}'
    assert glance.images[wrong]['os_distro'] == 'ubuntu64Guest'
    assert glance.images[wrong]['vmware_disktype'] == 'streamOptimized'


def test_no_name_of_an_image_forges_what_is_confirmed(run, glance):
    glance.add('x\x1b[2J\nharmless: changed', **WRONG)
    done = run('image', 'audit', '--no-content', '--apply', '--yes')
    assert r'x\x1b[2J\nharmless: changed (1a000000' in done.err
    assert '\x1b' not in done.err


@pytest.mark.parametrize('mark', ['\x1b', '\x9b', '\n', '\u202e', '\u200b'])
def test_no_name_of_a_property_does(run, glance, mark):
    glance.add('odd', **{**IN_ORDER, f'os_distr{mark}': 'ubuntu64Guest'})
    done = run('image', 'audit', '--no-content', '--apply', '--yes')
    assert f'os_distr{printable(mark)}' in done.out + done.err
    assert printable(text := (done.out + done.err).replace('\n', '')) == text


def test_apply_removes_what_a_conversion_has_left(run, glance):
    image = glance.add(
        'converted',
        disk_format='raw',
        vmware_image_version='1',
        vmware_ostype='ubuntu64Guest',
        hw_disk_bus='virtio',
    )
    done = run('image', 'audit', '--apply', '--yes', '-f', 'json')
    assert (done.code, done.json()) == (0, [])
    assert done.err.startswith(
        f'converted ({image}): remove vmware_image_version, remove '
        'vmware_ostype\n'
    )
    left = glance.images[image]
    assert left['hw_disk_bus'] == 'virtio'
    assert not {'vmware_image_version', 'vmware_ostype'} & left.keys()
    # nova-manage cannot remove one of a server.
    assert 'nova-manage' not in done.err.partition('changed')[2]


def test_apply_what_was_asked_for(run, glance):
    glance.add('x', **{**WRONG, 'vmware_disktype': 'SPARSE'})
    done = run(
        *('image', 'audit', '--no-content', '--apply', '--yes'),
        *('--only', 'disk_type_unknown', '-f', 'json'),
    )
    assert (done.code, done.json()) == (0, [])
    (change,) = glance.changes()
    assert json.loads(change.body) == [
        {'op': 'add', 'path': '/vmware_disktype', 'value': 'sparse'}
    ]


def test_apply_reads_the_content_once(run, glance, vmdk):
    glance.add('x', vmdk, **{**IN_ORDER, 'vmware_disktype': 'sparse'})
    done = run('image', 'audit', '-f', 'json')
    reads = [r.headers['Range'] for r in glance.requests if 'file' in r.path]
    glance.requests.clear()
    done = run('image', 'audit', '--apply', '--yes', '-f', 'json')
    assert (done.code, done.json()) == (0, [])
    again = [r.headers['Range'] for r in glance.requests if 'file' in r.path]
    assert again == reads != []


@pytest.mark.parametrize(
    ('stdin', 'message'),
    [
        (Terminal('n\n'), 'not confirmed'),
        (Terminal('\n'), 'not confirmed'),
        (Terminal(''), 'not confirmed'),
        (io.StringIO('y\n'), 'give it with --yes'),
    ],
)
def test_apply_unconfirmed(run, glance, monkeypatch, stdin, message):
    monkeypatch.setattr('sys.stdin', stdin)
    glance.add('x', **WRONG)
    done = run('image', 'audit', '--no-content', '--apply')
    assert (done.code, done.out) == (3, '')
    # What would be changed is shown before.
    assert 'set os_distro=ubuntu64Guest' in done.err
    assert f'nothing was changed: {message}' in ' '.join(
        done.err.replace(
            'there is no terminal to ask for a confirmation; ', ''
        ).split()
    )
    assert glance.changes() == []


def test_apply_where_nothing_is_to_be_changed(run, glance):
    glance.add('good', **IN_ORDER)
    done = run('image', 'audit', '--no-content', '--apply')
    assert (done.code, done.err) == (0, '')
    assert done.out.startswith('Found: nothing\n')


def test_apply_goes_on_after_a_failure(run, glance):
    first = glance.add('first', **WRONG)
    second = glance.add('second', **WRONG)
    glance.protected.add(first)
    done = run(
        *('image', 'audit', '--no-content', '--apply', '--yes'),
        *('--fail-on', 'never', '-f', 'json'),
    )
    # What is left of the findings does not count here, the failure does.
    assert done.code == 1
    assert checks(done) == [('first', 'guest_id_lost')]
    refused, changed, line = done.err.splitlines()[-3:]
    assert refused.startswith(f'first ({first}): not changed: glance, PATCH')
    assert '403' in refused
    assert changed == f'second ({second}): changed'
    assert line == f'  {LINE}os_distro=ubuntu64Guest'
    assert done.err.count('nova-manage') == 1
    assert glance.images[second]['os_distro'] == 'ubuntu64Guest'


def test_apply_believes_what_glance_has_then(run, glance):
    glance.add('x', **WRONG)
    glance.forgetful = True
    done = run(
        *('image', 'audit', '--no-content', '--apply', '--yes', '-f', 'json')
    )
    assert done.code == 1
    assert 'has other values for os_distro now' in done.err
    assert checks(done) == [('x', 'guest_id_lost')]


def test_an_image_that_was_deleted_since(run, glance):
    image_id = glance.add('x', **{**WRONG, 'os_version': '1'})
    answer = glance.answer

    def deleted(request):
        if request.path.endswith(image_id):
            return in_json({}, 404)
        return answer(request)

    glance.answer = deleted
    done = run('image', 'audit', '--no-content')
    assert (done.code, done.err) == (0, '')


def test_a_glance_that_is_down(run, glance):
    glance.add('x', **WRONG)
    answer = glance.answer
    glance.answer = lambda request: (
        answer(request) if request.path == '/v2' else Answer(500)
    )
    done = run('image', 'audit')
    assert (done.code, done.out) == (3, '')
    assert 'glance, GET /images: 500' in done.err


@pytest.mark.parametrize('output', ['table', 'json', 'yaml', 'csv', 'value'])
def test_in_every_format(run, snapshot, output):
    done = run('image', 'audit', '--snapshot', snapshot, '-f', output)
    assert (done.code, done.err) == (1, '')
    assert 'guest_id_lost' in done.out
