# SPDX-License-Identifier: Apache-2.0
"""Images of the clouds that commands are asked about."""

from hypervisor_affinity.cloud.snapshot import Image

WINDOWS = Image(
    'windows',
    'i-windows',
    disk_format='vmdk',
    properties={'vmware_ostype': 'windows2019srv_64Guest'},
    dropped=('vmware_tools_version',),
)
