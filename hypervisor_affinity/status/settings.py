# SPDX-License-Identifier: Apache-2.0
"""Checks of single options of nova.conf."""

import pathlib
from collections.abc import Iterator

from oslo_config import cfg

from hypervisor_affinity import conf as our_conf
from hypervisor_affinity import conf_files
from hypervisor_affinity import misspelt_options
from hypervisor_affinity.core.policy import FlexiblePlacement
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.core.policy import VmdkImages
from hypervisor_affinity.status.statements import Statement
from hypervisor_affinity.status.statements import counted
from hypervisor_affinity.status.statements import failure
from hypervisor_affinity.status.statements import remark
from hypervisor_affinity.status.statements import warning


def check_options(conf: cfg.ConfigOpts) -> Iterator[Statement]:
    """Find wrong values and misspelt names in ``[hypervisor_affinity]``."""
    for path, name in misspelt_options.find(files(conf)):
        yield warning(f'{path}: {name}')
    try:
        our_conf.read_policy(conf)
    except ValueError as error:
        yield failure(
            f'{error}. nova-scheduler does not start with this; after a '
            'SIGHUP it keeps the values in force. Correct the option.'
        )


def check_configuration(conf: cfg.ConfigOpts) -> Iterator[Statement]:
    """Tell which files were read."""
    yield remark(
        f'Read, the last one takes precedence: {", ".join(files(conf))}'
    )


def check_files(conf: cfg.ConfigOpts) -> Iterator[Statement]:
    """Find files with passwords that every user of the machine may read."""
    for path in files(conf):
        if not conf_files.is_open_to_all(path):
            continue
        names = conf_files.passwords(path)
        if names:
            yield warning(
                f'{path}: every user of this machine can read it, and '
                f'{counted("password", names)} in it. Run chmod o-rwx {path}, '
                'and change the passwords.'
            )


def files(conf: cfg.ConfigOpts) -> Iterator[str]:
    """Yield the files that a configuration was read from."""
    yield from map(str, conf.config_file or ())
    for directory in conf.config_dir or ():
        yield from map(str, sorted(pathlib.Path(directory).glob('*.conf')))


def check_image_metadata_prefilter(
    conf: cfg.ConfigOpts,
) -> Iterator[Statement]:
    """Find out whether nova drops vCenter hosts for devices of an image."""
    if conf.scheduler.image_metadata_prefilter:
        yield failure(
            '[scheduler] image_metadata_prefilter is enabled: no vCenter host '
            'is left for an image with vmware_adaptertype, hw_disk_bus, '
            'hw_vif_model, hw_video_model or hw_cdrom_bus, since the vSphere '
            'driver reports no such traits. Disable it.'
        )


def check_host_subset(
    conf: cfg.ConfigOpts, policy: Policy
) -> Iterator[Statement]:
    """Find out whether nova picks hosts against the order at random."""
    size = conf.filter_scheduler.host_subset_size
    # By strict placement, only hosts of the first hypervisor are left.
    if size > 1 and policy.flexible_placement == FlexiblePlacement.PREFER:
        yield warning(
            f'[filter_scheduler] host_subset_size is {size}: nova picks one '
            f'of the {size} best hosts at random. Once fewer hosts of the '
            'first hypervisor are left, it puts requests that can run on any '
            'hypervisor on the next one. Set it to 1.'
        )


def check_image_types(
    conf: cfg.ConfigOpts, policy: Policy
) -> Iterator[Statement]:
    """Find out whether nova keeps from KVM what may run there.

    ``nova.scheduler.request_filter.require_image_type_support`` asks
    Placement for a trait of the disk format, of boots and moves, but not of
    servers with a volume nor of rebuilds. ``nova.virt.libvirt.driver``
    reports neither VMDK nor VDI nor VHDX, and only the vSphere driver one of
    these.
    """
    if not conf.scheduler.query_placement_for_image_type_support:
        return
    without_effect = ''
    if policy.vmdk_images == VmdkImages.FLEXIBLE:
        without_effect = (
            ' [hypervisor_affinity] vmdk_images = flexible then has no '
            'effect, except on servers that boot from a volume, and on '
            'rebuilds.'
        )
    yield warning(
        '[scheduler] query_placement_for_image_type_support is enabled: a '
        'VMDK image gets no KVM host, to boot or to move to, since libvirt '
        'does not report that it boots VMDK; this also holds if the image or '
        'the flavor names KVM, or if the image sets a device that only KVM '
        'has. VDI and VHDX images, which KVM boots too, get no host at '
        f'all.{without_effect} Disable it: HypervisorAffinityFilter keeps '
        'each image from the hosts that cannot boot it.'
    )
