# SPDX-License-Identifier: Apache-2.0
"""nova's vSphere driver, as it imports an OVA, without a vCenter."""

import contextlib
from unittest import mock

from nova import objects
from nova.virt.vmwareapi import images
from oslo_utils.fixture import uuidsentinel as uuids
from oslo_vmware import rw_handles

# What Glance's client gives at once.
_CHUNK = 65536


class Connection:
    """An ESXi's end of the transfer; what it got is in ``sent``."""

    def __init__(self):
        self.sent = b''

    def send(self, data):
        self.sent += data

    def close(self):
        """Do nothing."""


def imported(archive: bytes, counts: bool = True) -> tuple[bytes, str | None]:
    """Have the driver's own code import an OVA.

    :param counts: whether oslo.vmware counts the bytes, as it does since 3.4.0
    :returns: what ESXi gets, and the complaint
    """
    connection = Connection()
    handle = rw_handles.VmdkWriteHandle
    chunks = (
        archive[place : place + _CHUNK]
        for place in range(0, len(archive), _CHUNK)
    )
    fakes = {
        '_create_import_vapp_lease': (mock.Mock(), mock.Mock()),
        '_find_vmdk_url': ('https://esxi/disk.vmdk', None),
        '_create_write_connection': connection,
    }
    if not counts:
        fakes['_get_progress'] = 100
    with contextlib.ExitStack() as stack:
        for name, value in fakes.items():
            fake = mock.patch.object(handle, name, return_value=value)
            stack.enter_context(fake)
        stack.enter_context(
            mock.patch.multiple(
                images.IMAGE_API,
                get=lambda *_: {'size': len(archive)},
                download=lambda *_: chunks,
            )
        )
        stack.enter_context(mock.patch.object(images.vm_util, 'get_vmdk_info'))
        stack.enter_context(mock.patch.object(images, 'loopingcall'))
        try:
            images.fetch_image_ova(
                None,
                objects.Instance(image_ref='image', uuid=uuids.instance),
                mock.Mock(),
                *('vm', 'datastore', 'folder', 'pool'),
            )
        except Exception as error:
            return connection.sent, f'{type(error).__name__}: {error}'
    return connection.sent, None
