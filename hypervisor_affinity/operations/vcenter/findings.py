# SPDX-License-Identifier: Apache-2.0
"""What is found about vCenters."""

import enum
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hypervisor_affinity.operations import judging
from hypervisor_affinity.operations.audit import Severity


class Check(enum.StrEnum):
    """What is looked for; the codes are stable."""

    VCENTER_UNREADABLE = 'vcenter_unreadable'
    """vCenter does not answer, or not to this user."""

    NOT_JUDGED = 'not_judged'
    """Something in a record of vCenter or nova was not foreseen."""

    TLS_UNVERIFIED = 'tls_unverified'
    """The certificate of vCenter is not verified."""

    PASSWORD_OPEN = 'password_open'
    """Every user of the machine may read the password of vCenter."""

    CLUSTER_NOT_FOUND = 'cluster_not_found'
    """nova names a cluster that vCenter does not have, or does not show."""

    CLUSTER_NOT_SERVED = 'cluster_not_served'
    """No nova-compute serves a cluster that should have one."""

    CLUSTER_SERVED_TWICE = 'cluster_served_twice'
    """Several nova-computes serve one cluster."""

    COMPUTE_DOWN = 'compute_down'
    """Nothing is heard of the nova-compute of a cluster."""

    COMPUTE_DISABLED = 'compute_disabled'
    """Somebody has disabled the nova-compute of a cluster."""

    COMPUTE_DISABLED_BY_DRIVER = 'compute_disabled_by_driver'
    """The vSphere driver has disabled it, since vCenter did not answer."""

    COMPUTE_NOT_CHECKED = 'compute_not_checked'
    """The vCenter of a nova-compute is none of those that were read."""

    DRS_OFF = 'drs_off'
    """DRS is off: nothing spreads the servers over the hosts."""

    DRS_MANUAL = 'drs_manual'
    """DRS only recommends: it does not choose a host for a new server."""

    DRS_PARTIALLY_AUTOMATED = 'drs_partially_automated'
    """DRS chooses a host for a new server, and never moves one."""

    HA_OFF = 'ha_off'
    """Servers of a failed host stay off; nova cannot evacuate them either."""

    NO_USABLE_HOST = 'no_usable_host'
    """No host of the cluster can take servers."""

    HOST_DISCONNECTED = 'host_disconnected'
    """vCenter has lost a host, or was told to leave it alone."""

    HOST_IN_MAINTENANCE = 'host_in_maintenance'
    """A host is in maintenance."""

    HOST_IN_STANDBY = 'host_in_standby'
    """A host was switched off to save power."""

    CAPACITY_BELOW_N_PLUS_1 = 'capacity_below_n_plus_1'
    """Without its largest host the cluster could not run what it runs."""

    NO_DATASTORE = 'no_datastore'
    """nova may use no datastore of the cluster."""

    DATASTORE_NOT_SHARED = 'datastore_not_shared'
    """A datastore that nova may use is missing on some host."""

    DATASTORE_UNAVAILABLE = 'datastore_unavailable'
    """A datastore that nova may use cannot be reached, or is in
    maintenance."""

    VMOTION_MISSING = 'vmotion_missing'
    """A host has no VMkernel adapter for vMotion, which DRS needs."""

    STORAGE_NETWORK_SHARED = 'storage_network_shared'
    """Every VMkernel adapter of a host carries management: storage has no
    network of its own."""

    NSX_UNEVEN = 'nsx_uneven'
    """A host lacks a network of NSX that others of the cluster have."""

    INVENTORY_DIFFERS = 'inventory_differs'
    """Placement has other totals than the driver would report now."""

    NO_HOST_HAS_MAX_UNIT = 'no_host_has_max_unit'
    """No host has nearly as much free memory as Placement gives to one
    server."""

    SERVER_WITHOUT_VM = 'server_without_vm'
    """nova has a server in the cluster, and vCenter has no such VM."""

    SERVER_IN_OTHER_CLUSTER = 'server_in_other_cluster'
    """The VM of a server has left the cluster that nova has it in."""

    VM_WITHOUT_SERVER = 'vm_without_server'
    """A VM that nova made is of no server."""

    VM_OF_SERVER_ELSEWHERE = 'vm_of_server_elsewhere'
    """A VM is of a server that nova has on another host, or on none."""


SEVERITIES = {
    Check.VCENTER_UNREADABLE: Severity.ERROR,
    Check.NOT_JUDGED: Severity.WARNING,
    Check.TLS_UNVERIFIED: Severity.WARNING,
    Check.PASSWORD_OPEN: Severity.WARNING,
    Check.CLUSTER_NOT_FOUND: Severity.ERROR,
    Check.CLUSTER_NOT_SERVED: Severity.ERROR,
    Check.CLUSTER_SERVED_TWICE: Severity.ERROR,
    Check.COMPUTE_DOWN: Severity.ERROR,
    Check.COMPUTE_DISABLED: Severity.WARNING,
    Check.COMPUTE_DISABLED_BY_DRIVER: Severity.ERROR,
    Check.COMPUTE_NOT_CHECKED: Severity.INFO,
    Check.DRS_OFF: Severity.ERROR,
    Check.DRS_MANUAL: Severity.ERROR,
    Check.DRS_PARTIALLY_AUTOMATED: Severity.WARNING,
    Check.HA_OFF: Severity.WARNING,
    Check.NO_USABLE_HOST: Severity.ERROR,
    Check.HOST_DISCONNECTED: Severity.WARNING,
    Check.HOST_IN_MAINTENANCE: Severity.INFO,
    Check.HOST_IN_STANDBY: Severity.INFO,
    Check.CAPACITY_BELOW_N_PLUS_1: Severity.WARNING,
    Check.NO_DATASTORE: Severity.ERROR,
    Check.DATASTORE_NOT_SHARED: Severity.ERROR,
    Check.DATASTORE_UNAVAILABLE: Severity.WARNING,
    Check.VMOTION_MISSING: Severity.WARNING,
    Check.STORAGE_NETWORK_SHARED: Severity.INFO,
    Check.NSX_UNEVEN: Severity.WARNING,
    Check.INVENTORY_DIFFERS: Severity.WARNING,
    Check.NO_HOST_HAS_MAX_UNIT: Severity.INFO,
    Check.SERVER_WITHOUT_VM: Severity.ERROR,
    Check.SERVER_IN_OTHER_CLUSTER: Severity.WARNING,
    Check.VM_WITHOUT_SERVER: Severity.WARNING,
    Check.VM_OF_SERVER_ELSEWHERE: Severity.ERROR,
}

_ADVICE = {
    Check.VCENTER_UNREADABLE: 'see what the evidence names',
    Check.NOT_JUDGED: judging.ADVICE,
    Check.TLS_UNVERIFIED: 'set ca_file, and insecure = false',
    Check.PASSWORD_OPEN: (
        'take that right away with chmod o-rwx, and change the password'
    ),
    Check.CLUSTER_NOT_FOUND: (
        'correct cluster_name, or give the user the role Read-only there'
    ),
    Check.CLUSTER_NOT_SERVED: 'start a nova-compute with this cluster_name',
    Check.CLUSTER_SERVED_TWICE: (
        'stop all but one, and delete the compute services of the others'
    ),
    Check.COMPUTE_DOWN: (
        'look at its log, and start it again; if somebody forced it down, '
        'openstack compute service set --up HOST nova-compute'
    ),
    Check.COMPUTE_DISABLED: (
        'openstack compute service set --enable HOST nova-compute, once the '
        'cause is gone'
    ),
    Check.COMPUTE_DISABLED_BY_DRIVER: (
        'have vCenter answer, then openstack compute service set --enable '
        'HOST nova-compute'
    ),
    Check.COMPUTE_NOT_CHECKED: 'name its nova.conf, or have vCenter answer',
    Check.DRS_OFF: 'turn DRS on, Fully Automated',
    Check.DRS_MANUAL: 'set DRS to Fully Automated',
    Check.DRS_PARTIALLY_AUTOMATED: 'set DRS to Fully Automated',
    Check.HA_OFF: 'turn vSphere HA on',
    Check.NO_USABLE_HOST: 'connect hosts, or end their maintenance',
    Check.HOST_DISCONNECTED: 'see whether it runs, and connect it',
    Check.HOST_IN_MAINTENANCE: 'end it when the work is done',
    Check.HOST_IN_STANDBY: 'see whether power management is wanted',
    Check.CAPACITY_BELOW_N_PLUS_1: 'add a host, or move servers away',
    Check.NO_DATASTORE: 'correct datastore_regex, or mount a datastore',
    Check.DATASTORE_NOT_SHARED: (
        'mount it on every host, or exclude it by datastore_regex'
    ),
    Check.DATASTORE_UNAVAILABLE: (
        'have hosts reach it, or end its maintenance'
    ),
    Check.VMOTION_MISSING: 'enable vMotion on a VMkernel adapter',
    Check.STORAGE_NETWORK_SHARED: 'give storage a VMkernel adapter of its own',
    Check.NSX_UNEVEN: 'prepare the host for the same transport zones',
    Check.INVENTORY_DIFFERS: (
        'see that nova-compute runs; it reports every minute'
    ),
    Check.NO_HOST_HAS_MAX_UNIT: (
        'keep flavors below what the freest host has, or free a host'
    ),
    Check.SERVER_WITHOUT_VM: (
        'ask who deleted the VM; if it is lost, delete the server'
    ),
    Check.SERVER_IN_OTHER_CLUSTER: 'move the VM back',
    Check.VM_WITHOUT_SERVER: 'delete the VM, after a look at its disks',
    Check.VM_OF_SERVER_ELSEWHERE: (
        'switch the VM off first: the server may run twice'
    ),
}


class Finding(NamedTuple):
    """One thing that is wrong.

    :ivar vcenter: the vCenter's name; '' if nova alone is concerned
    :ivar cluster: the cluster's name; '' if all of vCenter is concerned
    :ivar subject: what in it: a host, a datastore, a compute service, a
        server's id; '' for the cluster or the vCenter itself
    :ivar evidence: what it rests on, in a clause
    """

    check: Check
    vcenter: str
    cluster: str
    subject: str
    evidence: str

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return SEVERITIES[self.check]

    @property
    def advice(self) -> str:
        """What to do."""
        return _ADVICE[self.check]


def judged(
    found: Iterable[Finding],
    subject: str,
    vcenter: str = '',
    cluster: str = '',
    passing: tuple[type[Exception], ...] = (),
) -> Iterator[Finding]:
    """Yield what is found of one thing, also that it cannot be judged.

    :param found, passing: as in ``judging.judged``
    """
    return judging.judged(
        ', '.join(filter(None, (vcenter, cluster, subject))),
        found,
        lambda evidence: Finding(
            Check.NOT_JUDGED, vcenter, cluster, subject, evidence
        ),
        passing=passing,
    )
