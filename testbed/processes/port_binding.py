# SPDX-License-Identifier: Apache-2.0
"""A mechanism driver of Neutron that binds ordinary ports, without agents.

Only neutron-api loads it. On KVM a port is a TAP device that libvirt makes,
with nothing at its other end; it goes with QEMU. nova's own, of the type
``tap``, would stay, and each of two hosts on one machine would remove the
other's: their names are made from the port. On vCenter a port is one of the
port group that the simulated cluster has.
"""

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api

from testbed.processes import libvirt
from testbed.processes import vsphere

# Of nova.network.model, which Neutron has no constant for.
_DVS = 'dvs'


class PortBinding(api.MechanismDriver):
    """Binds a port as soon as its host is known."""

    def initialize(self):
        """Do nothing yet."""

    def bind_port(self, context):
        """Bind a port, unless it is to be handed through to the guest."""
        vnic_type = context.current[portbindings.VNIC_TYPE]
        if vnic_type != portbindings.VNIC_NORMAL:
            return
        kind, details = libvirt.VIF_TYPE, {}
        if vsphere.is_host(context.host):
            kind, details = _DVS, {'dvs_port_group_name': vsphere.PORT_GROUP}
        segment = context.segments_to_bind[0][api.ID]
        # Who waits for an agent would wait for ever.
        status = constants.PORT_STATUS_ACTIVE
        context.set_binding(segment, kind, details, status)
