# SPDX-License-Identifier: Apache-2.0
"""The findings beside the core's tables, and why some differ."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping

from nova.virt.vmwareapi import constants

from hypervisor_affinity.core import drivers
from hypervisor_affinity.core import hypervisor
from testbed.conformance.finding import Finding
from testbed.conformance.finding import Outcome
from testbed.conformance.finding import Trial


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """Findings that differ from a table that is right all the same.

    * ``side``: of them
    * ``values``: {property by Glance's name: values; empty for all}
    * ``reason``: for the page
    * ``outcome``: that was found, and not the one of the table
    * ``base``: disk format of the images; None for any
    """

    side: str
    values: Mapping[str, Collection[str]]
    reason: str
    outcome: Outcome = Outcome.REFUSED
    base: str | None = None

    def has(self, finding: Finding) -> bool:
        """Tell whether a finding is one of them."""
        key = finding.key
        values = self.values.get(key.name)
        return (
            key.side == self.side
            and finding.outcome is self.outcome
            and values is not None
            and (not values or key.value in values)
            and self.base in (None, key.base)
            and not is_as_foretold(finding)
        )


DIFFERENCES = (
    Difference(
        hypervisor.KVM,
        {'architecture': (), 'hw_emulation_architecture': ()},
        'It depends on the host. This one has QEMU for x86 only. The '
        'scheduler compares ``architecture`` with what each host reports: see '
        ':ref:`image-properties-filter`.',
    ),
    Difference(
        hypervisor.KVM,
        {'hw_vif_model': ('spapr-vlan',), 'hw_scsi_model': ('ibmvscsi',)},
        'It depends on the host. POWER hosts have these adapters.',
    ),
    Difference(
        hypervisor.KVM,
        {'hw_vif_model': ('igb',)},
        'It depends on the host. QEMU has this adapter from 8.0 on.',
    ),
    Difference(
        hypervisor.KVM,
        {'hw_vif_model': ('sriov', 'virtualsriovethernetcard')},
        'The server had an ordinary port. With ports of the type ``direct`` '
        'it would start, and the scheduler does not see which ports a server '
        'has.',
    ),
    Difference(
        hypervisor.VMWARE,
        {'disk_format': ('vstorageobject',)},
        "Glance's option ``[image_format] disk_formats`` does not have this "
        'format by default. Where an operator has added it, nova takes it.',
    ),
    Difference(
        hypervisor.VMWARE,
        {'vmware_disktype': constants.SUPPORTED_FLAT_VARIANTS},
        'Glance looks into the file, and a flat VMDK is the bare content of '
        'a disk. Images from before Glance did this, or with its option '
        '``[image_format] require_image_format_match`` disabled, do get to '
        'the driver, which takes them.',
        base='vmdk',
    ),
    Difference(
        hypervisor.VMWARE,
        {'container_format': ('ova',)},
        'The driver is made for OVA. But its library, oslo.vmware, expects '
        'as many bytes of the disk as the whole archive has, so the transfer '
        'counts as incomplete. The table says what the driver is made for.',
    ),
    Difference(
        hypervisor.VMWARE,
        {'vmware_ostype': ()},
        'The simulator takes every guest id. vCenter refuses one that it does '
        'not know.',
        Outcome.BOOTS,
    ),
    Difference(
        hypervisor.VMWARE,
        {'vmware_disktype': (constants.DISK_TYPE_SPARSE,)},
        'The simulator makes an empty disk of every type. vCenter makes flat '
        'ones only.',
        Outcome.BOOTS,
        base='iso',
    ),
    Difference(
        hypervisor.VMWARE,
        {'hw_scsi_model': ()},
        'The simulator makes an empty disk without a type of adapter. To '
        'vCenter the type is required.',
        Outcome.IGNORED,
        base='iso',
    ),
    Difference(
        hypervisor.VMWARE,
        {'hw_disk_bus': ('scsi',)},
        'The same: without ``hw_scsi_model``, the driver passes on no type of '
        'adapter.',
        Outcome.BOOTS,
        base='iso',
    ),
    Difference(
        hypervisor.VMWARE,
        {'architecture': (), 'hw_emulation_architecture': ()},
        'The driver does not read them, and what the simulator starts runs no '
        'guest. The scheduler compares ``architecture`` with what the driver '
        'reports, which is x86 only, and the guest of another architecture '
        'would start on x86.',
        Outcome.IGNORED,
    ),
)


def foretold(trial: Trial) -> Outcome:
    """Return what the core's table of a side says of a server."""
    found, name = trial.found, trial.novas_name
    value = str(found[name])
    row = drivers.TABLES[trial.side].row(name)
    if row.refuses_in(value, found, False) or row.fails_in(
        value, found, False
    ):
        return Outcome.REFUSED
    return Outcome.BOOTS if row.takes.has(value) else Outcome.IGNORED


def is_as_foretold(finding: Finding) -> bool:
    """Tell whether a finding is what the core's table says.

    To the scheduler, a server whose guest does not boot is as good as
    refused.
    """
    outcome = finding.outcome
    if outcome is Outcome.HANGS:
        outcome = Outcome.REFUSED
    return outcome is foretold(finding.trial)


def unexplained(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that differ from a table without a reason."""
    return [
        finding
        for finding in findings
        if not is_as_foretold(finding)
        and not any(known.has(finding) for known in DIFFERENCES)
    ]
