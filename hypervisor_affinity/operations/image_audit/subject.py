# SPDX-License-Identifier: Apache-2.0
"""An image with all that is known of it."""

import functools
from collections.abc import Mapping

import msgspec

from hypervisor_affinity.cloud.adapters import read_image
from hypervisor_affinity.cloud.snapshot import Image
from hypervisor_affinity.core import properties
from hypervisor_affinity.core.demand import Demand
from hypervisor_affinity.core.demand import classify
from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.core.hypervisor import VMWARE
from hypervisor_affinity.core.hypervisor import Family
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.reason import Reason
from hypervisor_affinity.core.reason import written
from hypervisor_affinity.image.disk import Disk
from hypervisor_affinity.image.fitting import Wishes
from hypervisor_affinity.image.fitting import fit
from hypervisor_affinity.operations import image_spelling as spelling
from hypervisor_affinity.operations.findings import Changes

_MACHINES = ('hw_architecture', 'hw_emulation_architecture')


class Subject:
    """An image with all that is known of it.

    * ``found``: its properties by nova's names, and its formats
    * ``refused``: property -> why nova-api refuses its value
    * ``fitting``: the properties that fit its content; empty if that was not
      read
    """

    def __init__(
        self,
        image: Image,
        policy: Policy,
        values: Mapping[str, str] | None,
        disk: Disk | None,
    ) -> None:
        self.image = image
        self.policy = policy
        self.values = values
        self.disk = disk
        self.found = properties.normalize(read_image(image))
        self.refused = spelling.refused(image.properties)
        self.fitting = fit(disk, Wishes()).properties if disk else {}

    @functools.cached_property
    def demand(self) -> Demand:
        """What the image asks."""
        return classify(read_image(self.image), {}, self.policy)

    @functools.cached_property
    def spelled(self) -> Mapping[str, str]:
        """Its properties with right values for those that nova-api refuses.

        As long as it refuses one, no server is booted from the image, so that
        this moves none.
        """
        own = self.image.properties
        return {**own, **spelling.respelled(own)}

    @functools.cached_property
    def spelled_demand(self) -> Demand:
        """What it asks with all values spelled right."""
        return self.demand_with({})

    def demand_with(self, fixed: Changes) -> Demand:
        """Return what it asks with a change, and all values spelled right."""
        image = {**read_image(self.image), **self.spelled, **fixed}
        return classify(image, {}, self.policy)

    @functools.cached_property
    def meant(self) -> Image:
        """The image without the wrong values that have checks of their own.

        One wrong value shall not hide another: a disk type in the wrong case
        keeps an image off ESXi, although it is for nothing else.
        """
        left = {
            name: right
            for name, value in self.spelled.items()
            if (right := self._meant_by(name, value))
        }
        return msgspec.structs.replace(self.image, properties=left)

    def _meant_by(self, name: str, value: str) -> str | None:
        novas = properties.NOVA_NAMES.get(name, name)
        # Of other formats, these have no checks of their own.
        if novas == 'hw_disk_type' and self.is_vmdk:
            if value in vmware.DISK_TYPES:
                return value
            return spelling.value(name, value)
        if novas == 'os_distro' and self.is_for_esxi:
            read = str(self.found.get(novas))
            if vmware.is_guest_id(read):
                return value
            # Where that is no guest id, one that it hides goes, too.
            known = spelling.value(novas, read)
            return known and spelling.value(name, value)
        return value

    @property
    def is_vmdk(self) -> bool:
        """Whether it is a VMDK, or an OVA with one."""
        return self.found.get('disk_format') == 'vmdk'

    @property
    def is_for_esxi(self) -> bool:
        """Whether ESXi boots what has its format."""
        formats = vmware.TABLE.row('disk_format').takes
        return formats.has(str(self.image.disk_format))

    @functools.cached_property
    def meaning(self) -> Demand:
        """What the image would ask as it is meant."""
        return classify(read_image(self.meant), {}, self.policy)

    @property
    def needs_vmware(self) -> bool:
        """Whether it is meant for ESXi alone."""
        return self.meaning.required == {
            VMWARE
        } and not self._is_of_other_machine(VMWARE)

    def allows(self, family: Family) -> bool:
        """Tell whether it is meant for a family, among others or alone."""
        if self._is_of_other_machine(family):
            return False
        required, refusal = self.meaning.required, self.meaning.refusal
        if required is not None:
            return family in required and refusal in (None, Reason.CANNOT_BOOT)
        return not refusal and family not in self.meaning.impossible

    def _is_of_other_machine(self, family: Family) -> bool:
        """Tell whether its system is for a machine that a family has not.

        That is not to be corrected: all else that is wrong with it there is
        no matter.
        """
        against = self.meaning.against(frozenset({family}))
        return any(sign.name in _MACHINES for sign in against)

    def name_of(self, raw: str) -> str:
        """Return the name by which nova reads a property, of its two."""
        name = properties.NOVA_NAMES[raw]
        return name if name in self.image.properties else raw

    def cite(self, *names: str) -> str:
        """Return properties as they are set."""
        return ', '.join(
            written(name, self.image.properties[name]) for name in names
        )
