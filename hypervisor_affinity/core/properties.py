# SPDX-License-Identifier: Apache-2.0
"""Image properties that bear on the hypervisor, by nova's names.

Nova renames Glance's raw properties before the scheduler sees them
(``nova.objects.ImageMetaProps._legacy_property_map``). Everything after
:func:`normalize` speaks nova's names; :func:`as_set` turns them back into what
an image owner wrote.
"""

import dataclasses
import fnmatch
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from hypervisor_affinity.core.drivers import vmware
from hypervisor_affinity.core.reason import Evidence

# Raw name -> nova's name; where both are set nova's name wins.
NOVA_NAMES = {
    'hypervisor_type': 'img_hv_type',
    'vmware_disktype': 'hw_disk_type',
    'vmware_ostype': 'os_distro',
    'vmware_linked_clone': 'img_linked_clone',
    'vmware_image_version': 'img_version',
    'architecture': 'hw_architecture',
}

# Every name that may decide or constrain; an adapter needs to read no more.
PROPERTY_NAMES = (
    'img_hv_type',
    'hw_disk_type',
    'os_distro',
    'img_linked_clone',
    'img_version',
    'hw_disk_bus',
    'hw_scsi_model',
    'hw_vif_model',
    'hw_architecture',
    'hw_emulation_architecture',
)
FORMAT_NAMES = ('disk_format', 'container_format')

# Aggregate metadata keys that constrain the property of the same raw name.
CONSTRAINT_KEYS = (
    'vmware_adaptertype',
    'vmware_disktype',
    'vmware_ostype',
    'vmware_linked_clone',
    'vmware_image_version',
)

# nova.objects.fields.SCSIModel's value -> the vmware_adaptertype that became
# it; the right side is how vSphere spells it.
ADAPTER_TYPES = {
    'lsilogic': 'lsiLogic',
    'lsisas1068': 'lsiLogicsas',
    'vmpvscsi': 'paraVirtual',
    'buslogic': 'busLogic',
}

# nova.objects.fields.VIFModel.LEGACY_VALUES: vSphere's names of adapters.
VIF_MODELS = {
    'virtuale1000': 'e1000',
    'virtuale1000e': 'e1000e',
    'virtualpcnet32': 'pcnet',
    'virtualsriovethernetcard': 'sriov',
    'virtualvmxnet': 'vmxnet',
    'virtualvmxnet3': 'vmxnet3',
}

# nova.objects.fields.Architecture.canonicalize
ARCHITECTURES = {
    'i386': 'i686',
    'i486': 'i686',
    'i586': 'i686',
    'x86_32': 'i686',
    'x86_32p': 'i686',
    'amd64': 'x86_64',
}

# Properties that nova hands on even if they are empty; it refuses an empty one
# of any other kind, and stores an unset format of Glance as ''.
_FREE_TEXTS = ('hw_disk_type', 'os_distro')

# What nova makes of values; all others it keeps, in lower case.
ALIASES: Mapping[str, Mapping[str, str]] = {
    'hw_scsi_model': {
        raw.lower(): nova for nova, raw in ADAPTER_TYPES.items()
    },
    'hw_vif_model': VIF_MODELS,
    'hw_architecture': ARCHITECTURES,
    'hw_emulation_architecture': ARCHITECTURES,
}

_RAW_NAMES = {nova: raw for raw, nova in NOVA_NAMES.items()}
_TRUE = frozenset({'1', 't', 'true', 'on', 'y', 'yes'})
_FALSE = frozenset({'0', 'f', 'false', 'off', 'n', 'no'})


def normalize(image: Mapping[str, object]) -> dict[str, object]:
    """Return the properties and formats that matter, by nova's names.

    :param image: Glance's raw properties or nova's, or a mix, in one flat
        mapping together with ``disk_format`` and ``container_format``
    :returns: a new dict; names that are unset or None are left out, and so
        are empty ones unless nova keeps them
    """
    found = {
        nova: image[raw] for raw, nova in NOVA_NAMES.items() if raw in image
    }
    found.update(_adapter(image.get('vmware_adaptertype')))
    for name in (*PROPERTY_NAMES, *FORMAT_NAMES):
        if image.get(name) is not None:
            found[name] = image[name]
    found = {
        name: value
        for name, value in found.items()
        if value is not None and (value != '' or name in _FREE_TEXTS)
    }
    for name, aliases in ALIASES.items():
        if name in found:
            value = str(found[name]).lower()
            found[name] = aliases.get(value, value)
    return found


def _adapter(adapter_type: object) -> dict[str, object]:
    if not adapter_type:
        return {}
    if adapter_type == 'ide':
        return {'hw_disk_bus': 'ide'}
    return {'hw_disk_bus': 'scsi', 'hw_scsi_model': adapter_type}


def as_owners_write(found: Mapping[str, object]) -> dict[str, object]:
    """Return properties that are known by nova's names as Glance has them.

    What an owner has written is lost in nova; these are the names that are
    written by far the most. For messages, which are to be understood.
    """
    image = dict(found)
    for raw, name in NOVA_NAMES.items():
        if name in image and (
            name != 'os_distro' or vmware.is_guest_id(str(image[name]))
        ):
            image[raw] = image.pop(name)
    if image.get('hw_disk_bus') == 'scsi':
        model = image.get('hw_scsi_model')
        if model in ADAPTER_TYPES:
            image['vmware_adaptertype'] = ADAPTER_TYPES[model]
            del image['hw_scsi_model'], image['hw_disk_bus']
    elif (image.get('hw_disk_bus'), image.get('disk_format')) == (
        'ide',
        'vmdk',
    ):
        image['vmware_adaptertype'] = image.pop('hw_disk_bus')
    return image


def as_set(name: str, image: Mapping[str, object]) -> Evidence:
    """Return a property as the image's owner has set it.

    :param name: nova's
    :param image: what was normalised, and has the property by some name
    """
    for known in (name, _RAW_NAMES.get(name, name)):
        if image.get(known) is not None:
            return Evidence('image', known, str(image[known]))
    adapter_type = str(image['vmware_adaptertype'])
    return Evidence('image', 'vmware_adaptertype', adapter_type)


@dataclasses.dataclass(frozen=True, slots=True)
class Constraint:
    """What an aggregate accepts of one image property.

    :ivar key: the aggregate metadata key, such as ``vmware_adaptertype``
    :ivar accepted: the values or shell patterns as written
    :ivar evidence: the aggregate metadata that says so
    """

    key: str
    accepted: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()

    def accepts(self, spellings: Iterable[str]) -> bool:
        """Tell whether any spelling of the image's value is accepted.

        Shell patterns as in :mod:`fnmatch`; case does not matter.
        """
        matches = _matcher(self.key, self.accepted)
        return any(matches(_plain(self.key, item)) for item in spellings)


# Of fnmatch's own cache, a list takes as many places as it has patterns.
@functools.lru_cache(maxsize=4096)
def _matcher(key: str, accepted: tuple[str, ...]) -> Callable[[str], object]:
    patterns = (fnmatch.translate(_plain(key, value)) for value in accepted)
    return re.compile('|'.join(patterns)).match


def _plain(key: str, value: str) -> str:
    value = value.lower()
    if key == 'vmware_linked_clone':
        # nova stores a boolean; owners write yes, true, 1.
        return (
            'true' if value in _TRUE else 'false' if value in _FALSE else value
        )
    return value


class Limited(NamedTuple):
    """What an image sets of what aggregate metadata may limit.

    :ivar spellings: of the value, each as good as the other
    :ivar evidence: the property as its owner has set it
    """

    spellings: tuple[str, ...]
    evidence: Evidence


def constrained(
    properties: Mapping[str, object], image: Mapping[str, object]
) -> dict[str, Limited]:
    """Return the values that aggregate metadata may constrain.

    nova keeps ``vmware_ostype`` and ``vmware_adaptertype`` in fields that
    serve every hypervisor, so only values that vSphere knows are counted.

    :param properties: as :func:`normalize` returns them
    :param image: what was normalised
    :returns: aggregate metadata key -> what the image has of it; a key is
        absent where the image does not set it
    """
    values = {
        key: Limited((str(properties[name]),), as_set(name, image))
        for key, name in NOVA_NAMES.items()
        if key in CONSTRAINT_KEYS and name in properties
    }
    ostype = values.get('vmware_ostype')
    if ostype and not vmware.is_guest_id(*ostype.spellings):
        del values['vmware_ostype']
    # As nova.virt.vmwareapi.images.VMwareImage.from_image chooses it.
    bus = properties.get('hw_disk_bus')
    model = str(properties.get('hw_scsi_model'))
    if bus == 'ide':
        evidence = as_set('hw_disk_bus', image)
        values['vmware_adaptertype'] = Limited(('ide',), evidence)
    elif model in ADAPTER_TYPES and bus in (None, 'scsi'):
        values['vmware_adaptertype'] = Limited(
            (model, ADAPTER_TYPES[model]), as_set('hw_scsi_model', image)
        )
    return values
