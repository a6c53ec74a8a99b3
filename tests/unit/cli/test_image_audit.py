# SPDX-License-Identifier: Apache-2.0
"""``image audit`` as its user sees it, of a snapshot and of a Glance."""

import tarfile

import pytest

from hypervisor_affinity.cloud import files
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.operations.image_audit import ImageCheck
from testbed.fake_api import Answer
from testbed.fake_api import in_json
from tests.cloud_of_records import both
from tests.unit.cli.audited_images import IN_ORDER
from tests.unit.cli.audited_images import WRONG
from tests.unit.cli.audited_images import checks


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


def test_of_a_snapshot(run, snapshot):
    done = run(
        *('image', 'audit', '--snapshot', snapshot, '-f', 'json', '--long')
    )
    assert (done.code, done.err) == (1, '')
    (row,) = done.json()
    assert row == {
        'Severity': 'error',
        'Check': 'guest_id_lost',
        'ID': 'i-wrong',
        'Name': 'wrong',
        'Evidence': 'vmware_ostype=ubuntu64Guest, os_distro=ubuntu',
        'Advice': 'set os_distro=ubuntu64Guest',
        'Command': 'openstack image set --property os_distro=ubuntu64Guest '
        'i-wrong',
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
        (('--apply',), 2, '--apply cannot be combined'),
        (('--apply', '--yes'), 2, '--apply cannot be combined'),
        (('--yes',), 2, '--yes needs --apply'),
        (('nowhere',), 3, "no image 'nowhere'"),
        (('--only', 'image_drifted'), 2, "'image_drifted' is neither a "),
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
    done = run('image', 'audit', '--no-content', '-f', 'json', '--long')
    assert {row['Advice'] for row in done.json()} == {
        'set os_distro=debian12_64Guest',
        'set vmware_adaptertype=ide, remove vmware_adapter_type',
    }


def test_the_content_is_read(run, glance, vmdk):
    glance.add('x', vmdk, **{**IN_ORDER, 'vmware_disktype': 'sparse'})
    done = run('image', 'audit', '-f', 'json', '--long')
    assert checks(done) == [('x', 'disk_type_wrong')]
    assert run('image', 'audit', '--no-content').code == 0


@pytest.mark.parametrize(
    'content',
    [b'', b'KDMV' + bytes(512)],
    ids=['empty', 'a cut header'],
)
def test_content_that_is_none(run, glance, content):
    glance.add('x', content, **IN_ORDER)
    done = run('image', 'audit', '-f', 'json', '--long')
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
    done = run('image', 'audit', *switch, '-f', 'json', '--long')
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
    done = run('image', 'audit', '-f', 'json', '--long')
    assert (done.code, done.out) == (3, '')
    assert len(done.err.splitlines()) == 1
    assert 'unexpected' not in done.err
    assert 'not a valid answer of glance' in done.err


def test_content_that_nobody_has_foreseen(run, glance, monkeypatch):
    def fail(content):
        raise ZeroDivisionError('hunter2')

    monkeypatch.setattr(
        'hypervisor_affinity.cli.image.audit.inspect_content', fail
    )
    glance.add('x', b'KDMV' + bytes(512), **WRONG)
    done = run('image', 'audit', '-f', 'json', '--long')
    assert done.code == 1
    assert checks(done) == [('x', 'guest_id_lost'), ('x', 'not_judged')]
    assert 'its content: unexpected ZeroDivisionError' in done.out
    assert 'hunter2' not in done.out + done.err


def test_content_that_looks_raw_proves_no_disk_type(run, glance):
    glance.add('x', bytes(1024), **IN_ORDER)
    done = run('image', 'audit', '--apply', '-f', 'json', '--long')
    assert checks(done) == [
        ('x', 'disk_type_wrong'),
        ('x', 'content_refused'),
    ]


def test_content_that_the_store_has_lost(run, glance, vmdk):
    image_id = glance.add('x', vmdk, **IN_ORDER)
    glance.contents[image_id] = vmdk[:100]
    done = run('image', 'audit', '-f', 'json', '--long')
    assert (done.code, checks(done)) == (1, [('x', 'content_unreadable')])


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
