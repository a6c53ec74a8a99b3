# SPDX-License-Identifier: Apache-2.0
"""What an audit fixes in an image, ``nova-manage`` fixes in its servers."""

import pytest
from nova import context
from nova import objects
from nova.cmd import manage
from nova.virt.vmwareapi import images

from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.operations import image_audit

WRONG = {
    'hypervisor_type': 'vmware',
    'vmware_disktype': 'streamoptimized',
    'vmware_ostype': 'ubuntu64Guest',
    'os_distro': 'ubuntu',
}


def set_properties(server, properties):
    """Run ``nova-manage image_property set``; return its exit code."""
    return manage.ImagePropertyCommands().set(
        server.id, [f'{name}={value}' for name, value in properties.items()]
    )


def driver_reads(server):
    """Return what the vSphere driver makes of a server's own copy."""
    instance = objects.Instance.get_by_uuid(
        context.get_admin_context(), server.id, ['system_metadata']
    )
    return images.VMwareImage.from_image(None, None, instance.image_meta)


@pytest.fixture
def server(two_of_each):
    image = two_of_each.images.create('x', 'vmdk', properties=WRONG)
    # No filter runs, as for a server that was there before the filter.
    return two_of_each.boot(image, forced_host='vc-1')


def test_a_server_is_given_what_its_image_was_given(two_of_each, server):
    assert server.hypervisor == 'VMware vCenter Server', server.fault
    image = Image('x', disk_format='vmdk', properties=WRONG)
    changes = image_audit.changes(image_audit.audit(image, Policy()))
    fixed = image_audit.for_servers(image, changes)
    # It runs.
    assert set_properties(server, fixed) == 3
    assert driver_reads(server).os_type == 'ubuntu'
    assert two_of_each.actions.shelve(server).succeeded
    assert set_properties(server, fixed) == 0
    read = driver_reads(server)
    assert (read.os_type, read.disk_type) == (
        'ubuntu64Guest',
        'streamOptimized',
    )
    # By raw names it would take nothing.
    assert set_properties(server, changes) == 5
