# SPDX-License-Identifier: Apache-2.0
"""``image audit --apply``."""

import io
import json

import pytest

from hypervisor_affinity.core.printable import printable
from tests.unit.cli.audited_images import IN_ORDER
from tests.unit.cli.audited_images import LINE
from tests.unit.cli.audited_images import WRONG
from tests.unit.cli.audited_images import Terminal
from tests.unit.cli.audited_images import checks


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
    done = run(
        'image', 'audit', '--no-content', '--apply', '-f', 'json', '--long'
    )
    assert (done.code, done.json()) == (0, [])
    assert done.err.splitlines() == [
        f'wrong ({wrong}): set os_distro=ubuntu64Guest, '
        'set vmware_disktype=streamOptimized',
        'Change these images? [y/N] Existing servers keep the properties that '
        'the image had when they were booted.',
        'To change those of a server, stop or shelve it. Then run the line '
        'below its',
        "image on a host that can reach nova's databases, with the server's "
        'id instead',
        'of SERVER.',
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
    done = run('image', 'audit', '--apply', '--yes', '-f', 'json', '--long')
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
    done = run('image', 'audit', '-f', 'json', '--long')
    reads = [r.headers['Range'] for r in glance.requests if 'file' in r.path]
    glance.requests.clear()
    done = run('image', 'audit', '--apply', '--yes', '-f', 'json', '--long')
    assert (done.code, done.json()) == (0, [])
    again = [r.headers['Range'] for r in glance.requests if 'file' in r.path]
    assert again == reads != []


@pytest.mark.parametrize(
    ('stdin', 'message'),
    [
        (Terminal('n\n'), 'not confirmed'),
        (Terminal('\n'), 'not confirmed'),
        (Terminal(''), 'not confirmed'),
        (io.StringIO('y\n'), 'use --yes'),
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
    assert 'now has other values for os_distro' in done.err
    assert checks(done) == [('x', 'guest_id_lost')]
