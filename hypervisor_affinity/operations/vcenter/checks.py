# SPDX-License-Identifier: Apache-2.0
"""What is looked for about vCenters, and the places where it is found."""

import dataclasses
import enum
from collections.abc import Iterable, Iterator

from hypervisor_affinity.operations import judging
from hypervisor_affinity.operations.findings import REPORT
from hypervisor_affinity.operations.findings import Check
from hypervisor_affinity.operations.findings import Finding
from hypervisor_affinity.operations.findings import Severity


@enum.unique
class VCenterCheck(Check):
    """What is looked for; the codes are stable."""

    VCENTER_UNREADABLE = (
        'vcenter_unreadable',
        Severity.ERROR,
        'see what the evidence names',
        'vCenter does not answer, or refuses this user.',
    )

    NOT_JUDGED = (
        'not_judged',
        Severity.WARNING,
        REPORT,
        'A record of vCenter or nova has something unexpected.',
    )

    TLS_UNVERIFIED = (
        'tls_unverified',
        Severity.WARNING,
        'set ca_file, and insecure = false',
        'The certificate of vCenter is not verified.',
    )

    PASSWORD_OPEN = (
        'password_open',
        Severity.WARNING,
        'run chmod o-rwx on the file, and change the password',
        'Every user of the machine can read the password of vCenter.',
    )

    CLUSTER_NOT_FOUND = (
        'cluster_not_found',
        Severity.ERROR,
        'correct cluster_name, or give the user the role Read-only there',
        'nova names a cluster that vCenter does not have, or does not show.',
    )

    CLUSTER_NOT_SERVED = (
        'cluster_not_served',
        Severity.ERROR,
        'start a nova-compute with this cluster_name',
        'No nova-compute serves a cluster that should have one.',
    )

    CLUSTER_SERVED_TWICE = (
        'cluster_served_twice',
        Severity.ERROR,
        'stop all but one, and delete the compute services of the others',
        'Several nova-computes serve one cluster.',
    )

    COMPUTE_DOWN = (
        'compute_down',
        Severity.ERROR,
        'look at its log, and start it again; if it was forced down, undo '
        'that',
        'The nova-compute of a cluster does not report.',
    )

    COMPUTE_DISABLED = (
        'compute_disabled',
        Severity.WARNING,
        'enable it, once the cause is gone',
        'An administrator has disabled the nova-compute of a cluster.',
    )

    COMPUTE_DISABLED_BY_DRIVER = (
        'compute_disabled_by_driver',
        Severity.ERROR,
        'make vCenter answer, then enable it',
        'The vSphere driver has disabled it, since vCenter did not answer.',
    )

    COMPUTE_NOT_CHECKED = (
        'compute_not_checked',
        Severity.INFO,
        'name its nova.conf, or make vCenter answer',
        'The vCenter of a nova-compute is not one of those that were read.',
    )

    DRS_OFF = (
        'drs_off',
        Severity.ERROR,
        'enable DRS, Fully Automated',
        'DRS is disabled: nothing spreads the servers over the hosts.',
    )

    DRS_MANUAL = (
        'drs_manual',
        Severity.ERROR,
        'set DRS to Fully Automated',
        'DRS only recommends: it does not choose a host for a new server.',
    )

    DRS_PARTIALLY_AUTOMATED = (
        'drs_partially_automated',
        Severity.WARNING,
        'set DRS to Fully Automated',
        'DRS chooses a host for a new server, and never moves one.',
    )

    HA_OFF = (
        'ha_off',
        Severity.WARNING,
        'enable vSphere HA',
        'Servers of a failed host are not restarted; nova cannot evacuate '
        'them either.',
    )

    NO_USABLE_HOST = (
        'no_usable_host',
        Severity.ERROR,
        'connect hosts, or end their maintenance mode',
        'No host of the cluster can take servers.',
    )

    HOST_DISCONNECTED = (
        'host_disconnected',
        Severity.WARNING,
        'check whether it runs, and connect it',
        'vCenter has lost a host, or was told to disconnect it.',
    )

    HOST_IN_MAINTENANCE = (
        'host_in_maintenance',
        Severity.INFO,
        'end it when the work is done',
        'A host is in maintenance mode.',
    )

    HOST_IN_STANDBY = (
        'host_in_standby',
        Severity.INFO,
        'check whether power management is wanted',
        'A host was powered off to save power.',
    )

    CAPACITY_BELOW_N_PLUS_1 = (
        'capacity_below_n_plus_1',
        Severity.WARNING,
        'add a host, or move servers away',
        'Without its largest host the cluster could not run what it runs.',
    )

    NO_DATASTORE = (
        'no_datastore',
        Severity.ERROR,
        'correct datastore_regex, or mount a datastore',
        'nova may not use any datastore of the cluster.',
    )

    DATASTORE_NOT_SHARED = (
        'datastore_not_shared',
        Severity.ERROR,
        'mount it on every host, or exclude it by datastore_regex',
        'A datastore that nova may use is missing on some host.',
    )

    DATASTORE_UNAVAILABLE = (
        'datastore_unavailable',
        Severity.WARNING,
        'make it reachable for hosts, or end its maintenance mode',
        'A datastore that nova may use cannot be reached, or is in '
        'maintenance mode.',
    )

    VMOTION_MISSING = (
        'vmotion_missing',
        Severity.WARNING,
        'enable vMotion on a VMkernel adapter',
        'A host has no VMkernel adapter for vMotion, which DRS needs.',
    )

    STORAGE_NETWORK_SHARED = (
        'storage_network_shared',
        Severity.INFO,
        'give storage a VMkernel adapter of its own',
        'Every VMkernel adapter of a host carries management: storage has no '
        'network of its own.',
    )

    NSX_UNEVEN = (
        'nsx_uneven',
        Severity.WARNING,
        'prepare the host for the same transport zones',
        'A host lacks a network of NSX that others of the cluster have.',
    )

    INVENTORY_DIFFERS = (
        'inventory_differs',
        Severity.WARNING,
        'check that nova-compute runs; it reports every minute',
        'Placement has other totals than the driver would report now.',
    )

    NO_HOST_HAS_MAX_UNIT = (
        'no_host_has_max_unit',
        Severity.INFO,
        'keep flavors below what the freest host has, or free a host',
        'No host has nearly as much free memory as Placement gives to one '
        'server.',
    )

    SERVER_WITHOUT_VM = (
        'server_without_vm',
        Severity.ERROR,
        'ask who deleted the VM; if it is lost, delete the server',
        'nova has a server in the cluster, and vCenter has no such VM.',
    )

    SERVER_IN_OTHER_CLUSTER = (
        'server_in_other_cluster',
        Severity.WARNING,
        'move the VM back',
        'The VM of a server has left the cluster that nova has it in.',
    )

    VM_WITHOUT_SERVER = (
        'vm_without_server',
        Severity.WARNING,
        'delete the VM, after a look at its disks',
        'A VM that nova made belongs to no server.',
    )

    VM_OF_SERVER_ON_NO_HOST = (
        'vm_of_server_on_no_host',
        Severity.WARNING,
        'delete the VM, after a look at its disks: nova does not',
        'A VM belongs to a server that nova has on no host: its boot failed, '
        'or it was shelved.',
    )

    VM_OF_SERVER_ELSEWHERE = (
        'vm_of_server_elsewhere',
        Severity.ERROR,
        'power off the VM first: the server may run twice',
        'A VM belongs to a server that nova has on another host.',
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where in vCenters, or in nova, something is.

    :ivar vcenter: the vCenter's name; '' if nova alone is concerned
    :ivar cluster: the cluster's name; '' if all of vCenter is concerned
    :ivar subject: what in it: a host, a datastore, a compute service, a
        server's id; '' for the cluster or the vCenter itself
    """

    vcenter: str = ''
    cluster: str = ''
    subject: str = ''

    def __str__(self) -> str:
        """Return it in words."""
        return ', '.join(
            filter(None, (self.vcenter, self.cluster, self.subject))
        )


VCenterFinding = Finding[Place]


def judged(
    found: Iterable[VCenterFinding],
    place: Place,
    *,
    passing: tuple[type[Exception], ...] = (),
) -> Iterator[VCenterFinding]:
    """Yield what is found in one place, also that it cannot be judged.

    :param found, passing: as in ``judging.judged``
    """
    return judging.judged(
        found, place, VCenterCheck.NOT_JUDGED, str(place), passing=passing
    )
