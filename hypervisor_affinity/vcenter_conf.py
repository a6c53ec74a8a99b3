# SPDX-License-Identifier: Apache-2.0
"""The ``[hypervisor_affinity_vcenter]`` options, for whoever reads vCenter.

Nothing is registered at import, as in ``hypervisor_affinity.conf``.
"""

import copy

from oslo_config import cfg

GROUP = 'hypervisor_affinity_vcenter'

_group = cfg.OptGroup(
    GROUP,
    title='Reading vCenter',
    help="""
How the commands ``vcenter`` and ``exporter``, and
``hypervisor-affinity-status``, reach the vCenters behind nova.

Whatever is not set here is taken from ``[vmware]`` of the same file, so that
the ``nova.conf`` of a nova-compute with the vSphere driver will do as it is.
A user of its own, with the role Read-only, is better: nothing is ever changed
in vCenter. No scheduler reads these options.
""",
)

FILES = cfg.ListOpt(
    'config_files',
    default=[],
    help="""
Files to read in addition, each with one nova-compute's ``[vmware]`` or a
section like this one.

Use it where there are several nova-computes with vCenter clusters, and on a
host of nova-scheduler, whose own ``nova.conf`` has no ``[vmware]``. The files
must be readable for whoever runs the commands.

Possible values:

* A comma-separated list of paths.
""",
)

DEADLINE = cfg.IntOpt(
    'reading_deadline',
    default=600,
    min=1,
    max=86400,
    help="""
Seconds that one reading of this vCenter may take in all.

A vCenter, or a proxy before it, that sends a byte now and then would be waited
for without an end. One that is too slow is reported as unreadable; the others
are not kept waiting. Whatever stands here, no more than 60 seconds are waited
without any byte.

Related options:

* ``reading_limit``
""",
)

LIMIT = cfg.IntOpt(
    'reading_limit',
    default=128,
    min=1,
    max=100000,
    help="""
MiB that this vCenter may answer in one reading, after decompression.

A thousand VMs need about one, an ESXi host some hundredths of one. Memory of
some ten times as much is needed for as long as an answer is read.

Related options:

* ``reading_deadline``
""",
)

# As in nova.conf.vmware, which has their defaults.
ACCESS = (
    cfg.HostAddressOpt(
        'host_ip',
        help="""
Address of vCenter: a name that its certificate is for, or an IP address.
""",
    ),
    cfg.PortOpt(
        'host_port',
        help="""
Port of vCenter; 443 if neither section has one.
""",
    ),
    cfg.StrOpt(
        'host_username',
        help="""
User to log in to vCenter with; the role Read-only is enough.
""",
    ),
    cfg.StrOpt(
        'host_password',
        secret=True,
        help="""
Password of that user. It is written nowhere.
""",
    ),
    cfg.StrOpt(
        'ca_file',
        help="""
File with the certificates to verify vCenter's by; those of the system if
neither section names one.
""",
    ),
    cfg.BoolOpt(
        'insecure',
        help="""
Whether to talk to a vCenter whose certificate is not verified.

Whoever is in between can then read the password. Every check warns of it. If
``ca_file`` is set, this is ignored.
""",
    ),
    cfg.StrOpt(
        'cluster_name',
        help="""
The cluster that the nova-compute of this file serves. Without one in either
section all clusters of the vCenter are read.
""",
    ),
    cfg.StrOpt(
        'datastore_regex',
        help="""
Regular expression for the beginning of the names of datastores that nova may
use; all if neither section has one.
""",
    ),
)


def register(conf: cfg.ConfigOpts) -> None:
    """Register the options."""
    # A copy, as in hypervisor_affinity.conf.
    conf.register_group(copy.deepcopy(_group))
    conf.register_opts([FILES, *ACCESS, DEADLINE, LIMIT], group=GROUP)


def list_opts() -> list[tuple[cfg.OptGroup, list[cfg.Opt]]]:
    """Return the options as oslo.config's generators want them."""
    return [(_group, [FILES, *ACCESS, DEADLINE, LIMIT])]
