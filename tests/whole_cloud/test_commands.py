# SPDX-License-Identifier: Apache-2.0
"""The commands on a whole cloud, every service of it a process.

Keystone gives the tokens, MariaDB has the data, and the servers were booted.
"""

import json
import os
import pathlib
import shlex
import subprocess
import sys
from typing import NamedTuple

import pytest

pytest.importorskip('keystone', reason='the extra `cloud` is not installed')

from hypervisor_affinity_tempest_plugin import disks
from testbed.processes import keystone
from testbed.processes import openrc
from testbed.processes.cloud import Cloud
from testbed.processes.site import PASSWORD
from tests import disk_files
from tests import installed
from tests.whole_cloud.tenant import disabled

BIN = pathlib.Path(sys.executable).parent
OWN = ('hypervisor-affinity',)
OPENSTACK = ('openstack', 'hypervisor', 'affinity')
READER = 'reader-of-nothing'
both_programs = pytest.mark.parametrize(
    'program', [OWN, OPENSTACK], ids=['own', 'openstack']
)


class Filled(NamedTuple):
    """A cloud with servers.

    :ivar servers: {name: id}
    """

    cloud: Cloud
    servers: dict[str, str]

    def run(self, program, *arguments, user='admin'):
        name, *first = program
        return subprocess.run(
            [BIN / name, *first, *arguments],
            capture_output=True,
            text=True,
            env={
                'PATH': os.environ['PATH'],
                'PYTHONWARNINGS': 'ignore',
                **openrc.variables(self.cloud.site.auth_url, user),
            },
        )

    def rows(self, program, *arguments):
        done = self.run(program, *arguments, '-f', 'json')
        assert done.stderr == ''
        return json.loads(done.stdout)


@pytest.fixture(scope='module')
def filled(whole_cloud):
    compute = whole_cloud.admin.compute
    glance = whole_cloud.admin.image
    images = add_images(glance)
    flavor = compute.create_flavor(name='tiny', ram=128, vcpus=1, disk=1)
    # nova's vSphere driver can do nothing with Cinder's files.
    with disabled(whole_cloud, 'vc-1'):
        servers = boot(whole_cloud, images, flavor.id)
    yield Filled(whole_cloud, servers)
    found = [compute.get_server(server) for server in servers.values()]
    for server in found:
        compute.delete_server(server)
    for server in found:
        compute.wait_for_delete(server, wait=60)
    compute.delete_flavor(flavor)
    for image in images.values():
        glance.delete_image(image)


def add_images(glance):
    """Return {name: id} of images to boot from."""
    return {
        name: glance.upload_image(
            name=name,
            disk_format=disk_format,
            container_format='bare',
            data=disks.IN_FORMAT[disk_format](),
            **properties,
        ).id
        for name, disk_format, properties in (
            (
                'plain',
                'qcow2',
                {'my_own': 'x', 'os_command_line': 'pw=SECRET'},
            ),
            ('installer', 'iso', {}),
            ('appliance', 'vmdk', {'vmware_ostype': 'rhel7_64Guest'}),
            ('impossible', 'qcow2', {'hypervisor_type': 'vmware'}),
        )
    }


def boot(cloud, images, flavor):
    """Boot a server that is right, one that is misplaced, one that fails."""
    admin = cloud.admin
    # The first with servers that have no network.
    admin.compute.default_microversion = '2.37'
    keystone.ensure_user(admin.identity, READER)
    volume = admin.block_storage.create_volume(
        name='root', size=1, image_id=images['appliance']
    )
    admin.block_storage.wait_for_status(volume, 'available', wait=120)
    zones = {'installer': 'nova:vc-2'}
    servers = {
        name: admin.compute.create_server(
            name=name,
            image_id=image,
            flavor_id=flavor,
            networks='none',
            admin_password='SECRET',
            metadata={'password': 'SECRET'},
            **({'availability_zone': zones[name]} if name in zones else {}),
        )
        for name, image in images.items()
    }
    servers['from-volume'] = admin.compute.create_server(
        name='from-volume',
        flavor_id=flavor,
        networks='none',
        block_device_mapping=[
            {
                'boot_index': 0,
                'source_type': 'volume',
                'destination_type': 'volume',
                'uuid': volume.id,
            }
        ],
    )
    for name, server in servers.items():
        status = 'ERROR' if name == 'impossible' else 'ACTIVE'
        admin.compute.wait_for_server(
            server, status=status, failures=[], wait=180
        )
    return {name: server.id for name, server in servers.items()}


@both_programs
def test_audit(filled, program):
    done = filled.run(program, 'audit', '--long', '-f', 'json')
    assert (done.stderr, done.returncode) == ('', 1)
    found = {
        (row['Check'], row['Name'], row['Host']): row['Reason']
        for row in json.loads(done.stdout)
    }
    assert found == {
        ('server_not_preferred', 'installer', 'vc-2'): 'not_preferred',
        ('image_without_host', 'impossible', ''): 'cannot_boot',
    }


@both_programs
def test_explain_a_server_that_failed(filled, program):
    done = filled.run(program, 'explain', '--server', 'impossible')
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith(
        'nova said: No valid host was found. The image needs VMware '
    )
    assert '0 of 4 hosts could take it' in lines
    assert '       4 cannot_boot (hypervisor): ' in done.stdout


@both_programs
def test_explain_a_server_from_a_volume(filled, program):
    (server,) = filled.cloud.admin.compute.servers(
        all_projects=True, name='from-volume'
    )
    rows = filled.rows(program, 'explain', '--server', 'from-volume')
    # Not to where it is.
    assert {row['Host'] for row in rows if row['Passes']} == (
        {'vc-1', 'vc-2'} - {server.compute_host}
    )
    assert len(rows) == 4


@both_programs
def test_classify(filled, program):
    rows = filled.rows(program, 'classify', 'plain', '--flavor', 'tiny')
    assert ('nova', 'my_own') in {(r['Part'], r['Subject']) for r in rows}


def test_a_snapshot_says_what_the_cloud_says(filled, tmp_path):
    path = tmp_path / 's.json'
    rows = filled.rows(OPENSTACK, 'snapshot', 'save', path)
    admin = filled.cloud.admin
    assert {row['Section']: row['Elements'] for row in rows} == {
        'hosts': 4,
        'aggregates': 2,
        'flavors': len(list(admin.compute.flavors())),
        'images': len(list(admin.image.images())),
        'vcenters': 0,
        'servers': len(list(admin.compute.servers(all_projects=True))),
    }
    text = path.read_text()
    assert 'SECRET' not in text
    assert PASSWORD not in text
    for command in (('audit',), ('explain', 'appliance', 'tiny')):
        assert filled.rows(OWN, *command, '--snapshot', path) == filled.rows(
            OWN, *command
        )


def test_who_may_not_is_told_what_is_missing(filled, tmp_path):
    path = tmp_path / 's.json'
    done = filled.run(OWN, 'snapshot', 'save', path, user=READER)
    assert (done.returncode, done.stdout) == (3, '')
    assert 'os_compute_api:os-services:list' in done.stderr
    assert done.stderr.count('\n') == 1
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_password(filled):
    done = filled.run(OWN, 'audit', user='nobody')
    assert done.returncode == 3
    assert '401' in done.stderr
    assert 'Traceback' not in done.stderr


@pytest.fixture
def disk(tmp_path):
    """A folder with a qcow2, and with a VMDK that was prepared from it."""
    installed.skip_without('qemu-img')
    raw = disk_files.raw(tmp_path / 'disk.raw')
    return disk_files.convert(raw, tmp_path / 'disk.qcow2', 'qcow2')


@pytest.fixture
def booted(filled):
    """Return a function that boots an image, and tells on which host."""
    compute = filled.cloud.admin.compute
    servers = []

    def booted(image):
        server = compute.create_server(
            name='uploaded',
            image_id=image,
            flavor_id=compute.find_flavor('tiny').id,
            networks='none',
        )
        servers.append(server)
        return compute.wait_for_server(server, wait=180).compute_host

    yield booted
    for server in servers:
        compute.delete_server(server)
        compute.wait_for_delete(server, wait=60)


@pytest.fixture
def images(filled):
    """Ids of images, which are deleted in the end."""
    ids = []
    yield ids
    for image in ids:
        filled.cloud.admin.image.delete_image(image)


def test_a_server_lands_where_the_upload_says(
    filled, booted, images, disk, tmp_path
):
    vmdk = tmp_path / 'disk.vmdk'
    done = filled.run(OPENSTACK, 'image', 'prepare', disk, vmdk)
    assert (done.stderr, done.returncode) == ('', 0)
    for path, demand, hosts in (
        (vmdk, 'image needs VMware', {'vc-1', 'vc-2'}),
        (disk, 'image cannot boot on VMware', {'kvm-1', 'kvm-2'}),
    ):
        shown = filled.rows(OPENSTACK, 'image', 'upload', path)
        images.append(shown['id'])
        assert shown['demand'].startswith(demand)
        assert booted(shown['id']) in hosts


def test_the_command_that_a_dry_run_shows(filled, images, disk):
    arguments = ('image', 'upload', disk, '--name', 'it\'s "new"')
    shown = filled.rows(
        *(OWN, *arguments, '--dry-run', '--private'),
        *('--property', 'hypervisor_type=kvm', '--property', 'my=a b=$c'),
    )
    program, *words = shlex.split(shown['command'])
    created = filled.rows((program,), *words)
    images.append(created['id'])
    assert created['visibility'] == 'private'
    for name in ('name', 'disk_format', 'container_format', 'size'):
        assert created[name] == shown[name]
    assert shown['properties'].items() <= created['properties'].items()
