# SPDX-License-Identifier: Apache-2.0
"""A mechanism driver of Neutron that binds ordinary ports, without agents.

Only neutron-api loads it. On KVM a port is a TAP device that nova's libvirt
driver makes and QEMU opens; nothing is at its other end. On vCenter it is one
of the port group that the simulated cluster has.
"""

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api
from oslo_config import cfg

from testbed.processes import taps
from testbed.processes import vsphere

# Of nova.network.model, which Neutron has no constants for.
_TAP = 'tap'
_DVS = 'dvs'


class PortBinding(api.MechanismDriver):
    """Binds a port as soon as its host is known."""

    def initialize(self):
        """Do nothing yet."""

    def bind_port(self, context):
        """Bind a port, unless it is to be handed through to the guest."""
        port = context.current
        if port[portbindings.VNIC_TYPE] != portbindings.VNIC_NORMAL:
            return
        kind, details = _TAP, {}
        if vsphere.is_host(context.host):
            kind, details = _DVS, {'dvs_port_group_name': vsphere.PORT_GROUP}
        else:
            # Before there can be a device, so that none is forgotten.
            taps.note(cfg.CONF.state_path, port['id'])
        segment = context.segments_to_bind[0][api.ID]
        # Who waits for an agent would wait for ever.
        status = constants.PORT_STATUS_ACTIVE
        context.set_binding(segment, kind, details, status)

    def delete_port_postcommit(self, context):
        """Forget a port, whose device nova has removed, or never made."""
        taps.forget(cfg.CONF.state_path, context.current['id'])
