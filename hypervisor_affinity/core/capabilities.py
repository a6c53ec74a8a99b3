# SPDX-License-Identifier: Apache-2.0
"""The flavor's word in nova's own key, ``capabilities:hypervisor_type``.

nova's ``ComputeCapabilitiesFilter`` compares it with what a host's driver
reports, by ``nova.scheduler.filters.extra_specs_ops.match``. It is written
down here since operators ask on machines without nova; a test compares it
with nova's own.
"""

import operator
from collections.abc import Callable

from hypervisor_affinity.core import hypervisor
from hypervisor_affinity.core.drivers import CONCLUSIVE_TYPES
from hypervisor_affinity.core.hypervisor import Family

# nova reads both in the same way.
HYPERVISOR_TYPE_SPECS = ('capabilities:hypervisor_type', 'hypervisor_type')

_OR = '<or>'

# With nova's others two numbers are compared, and a hypervisor_type is none:
# no driver reports what such a requirement would equal.
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    '<in>': operator.contains,
    's==': operator.eq,
    's!=': operator.ne,
    's<': operator.lt,
    's<=': operator.le,
    's>': operator.gt,
    's>=': operator.ge,
}

# hypervisor_type -> family. A driver without a table reports the name of its
# family, as far as known; one that pretends says nothing about its host.
_REPORTED: dict[str, Family] = {
    **{
        name: name
        for name in hypervisor.FAMILIES
        - hypervisor.SAY_NOTHING
        - frozenset(CONCLUSIVE_TYPES.values())
    },
    # libvirt's name of its own driver.
    'LXC': hypervisor.FAMILY_OF['lxc'],
    **CONCLUSIVE_TYPES,
}


def families(requirement: str) -> frozenset[Family]:
    """Return the families whose drivers report what a flavor asks for.

    :param requirement: the extra spec's value, operators included
    :returns: empty if no driver that is known reports such a type
    """
    return frozenset(
        family
        for reported, family in _REPORTED.items()
        if matches(reported, requirement)
    )


def matches(reported: str, requirement: str) -> bool:
    """Tell whether a driver's ``hypervisor_type`` is what a flavor asks for.

    Where nova's own function would raise, nothing matches.
    """
    words = str(requirement).split()
    first = words[0] if words else ''
    if first == _OR:
        # <or> a <or> b: every second word.
        return reported in words[1::2]
    if first == '<all-in>':
        return len(words) > 1 and all(word in reported for word in words[1:])
    if first not in _OPERATORS:
        return reported == requirement
    return len(words) > 1 and _OPERATORS[first](reported, words[1])
