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

Options that are not set here are taken from ``[vmware]`` of the same file, so
the ``nova.conf`` of a nova-compute with the vSphere driver can be used as it
is. A separate user with the role Read-only is better: nothing is ever changed
in vCenter. nova-scheduler does not read these options.
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
must be readable for the user who runs the commands.

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
Maximum time in seconds for one reading of this vCenter.

This limits a vCenter, or a proxy before it, that sends a byte now and then. If
it takes longer, it is reported as unreadable; the other vCenters do not wait
for it. A reading also fails after 60 seconds without any byte.

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
Maximum size in MiB of what this vCenter answers in one reading, after
decompression.

A thousand VMs need about one MiB, an ESXi host some hundredths of a MiB. While
an answer is read, it needs about ten times as much memory.

Related options:

* ``reading_deadline``
""",
)

# As in nova.conf.vmware, which has their defaults.
ACCESS = (
    cfg.HostAddressOpt(
        'host_ip',
        help="""
Address of vCenter: a name that is in its certificate, or an IP address.
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
Password of that user. It is never shown, logged or stored.
""",
    ),
    cfg.StrOpt(
        'ca_file',
        help="""
File with the CA certificates to verify vCenter's certificate with; those of
the system if neither section has one.
""",
    ),
    cfg.BoolOpt(
        'insecure',
        help="""
Whether to connect to a vCenter without verifying its certificate.

Anyone on the network path can then read the password. Every check warns about
it. If ``ca_file`` is set, this is ignored.
""",
    ),
    cfg.StrOpt(
        'cluster_name',
        help="""
The cluster that the nova-compute of this file serves. If neither section has
one, all clusters of the vCenter are read.
""",
    ),
    cfg.StrOpt(
        'datastore_regex',
        help="""
Regular expression for the beginning of the names of the datastores that nova
may use; all datastores if neither section has one.
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
