# SPDX-License-Identifier: Apache-2.0
"""Reading vCenters: what stands behind the clusters that nova sees as hosts.

Nothing is ever changed there. ``options`` finds the vCenters in files of
nova's configuration, ``session`` talks to one, ``reader`` makes records of
what it says, ``vcenters`` has several of them.
"""

import importlib.util
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hypervisor_affinity.cloud.source import SourceError
from hypervisor_affinity.cloud.vcenter.options import Access

if TYPE_CHECKING:
    from hypervisor_affinity.cloud.vcenter.vcenters import VCenters


def connect(accesses: Iterable[Access]) -> 'VCenters':
    """Return vCenters, of which none is asked anything yet.

    :param accesses: what ``options`` found
    :raises SourceError: if the extra ``vsphere`` is not installed
    """
    if importlib.util.find_spec('pyVmomi') is None:
        raise SourceError(
            'pyVmomi, which reads vCenter, is not installed: pip install '
            "'hypervisor-affinity[vsphere]'"
        )
    from hypervisor_affinity.cloud.vcenter.vcenters import VCenters

    return VCenters(accesses)
