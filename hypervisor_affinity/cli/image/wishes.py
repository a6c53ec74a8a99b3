# SPDX-License-Identifier: Apache-2.0
"""The arguments by which the owner of an image tells what is on it."""

import argparse

from hypervisor_affinity.cli.base import Answering
from hypervisor_affinity.cli.base import CommandLineError
from hypervisor_affinity.image import fitting
from hypervisor_affinity.image import guests
from hypervisor_affinity.image.fitting import DESCRIPTOR_ADAPTERS
from hypervisor_affinity.image.fitting import Wishes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    add_adapter_type(parser, 'vmware_adaptertype; default: that of the disk')
    guest = parser.add_mutually_exclusive_group()
    guest.add_argument(
        '--guest-id',
        metavar='ID',
        help='vmware_ostype: the guest id of vSphere, such as ubuntu64Guest',
    )
    guest.add_argument(
        '--os-distro',
        metavar='NAME',
        help='find the guest id of this distribution, such as ubuntu; the '
        'property os_distro itself is not set, since nova keeps only one of '
        'the two',
    )
    parser.add_argument(
        '--os-version',
        metavar='VERSION',
        help='with --os-distro, such as 22.04',
    )
    parser.add_argument(
        '--vif-model',
        metavar='MODEL',
        help='hw_vif_model: the network adapter, such as VirtualVmxnet3',
    )


def add_adapter_type(parser: argparse.ArgumentParser, text: str) -> None:
    """Add ``--adapter-type``.

    :param text: its help
    """
    parser.add_argument(
        '--adapter-type',
        choices=sorted(DESCRIPTOR_ADAPTERS),
        type=_adapter,
        help=text,
    )


class WishesReading(Answering):
    """A command with these arguments."""

    def check(self, parsed_args: argparse.Namespace) -> None:
        """See that there is what they name.

        :raises CommandLineError: if there is not
        """
        try:
            fitting.check(self.wishes(parsed_args))
        except fitting.WrongWish as error:
            raise CommandLineError(str(error)) from error
        super().check(parsed_args)

    def wishes(self, parsed_args: argparse.Namespace) -> Wishes:
        """Return what was said.

        :raises CommandLineError: if no guest id is known for a system
        """
        if parsed_args.os_distro:
            guest_id = _guest_id(parsed_args.os_distro, parsed_args.os_version)
        elif parsed_args.os_version:
            raise CommandLineError('--os-version needs --os-distro')
        else:
            guest_id = parsed_args.guest_id
        return Wishes(
            adapter_type=parsed_args.adapter_type,
            guest_id=guest_id,
            vif_model=parsed_args.vif_model,
        )


def _adapter(text: str) -> str:
    """Return an adapter as nova spells it; descriptors spell otherwise."""
    for adapter in DESCRIPTOR_ADAPTERS:
        if adapter.lower() == text.lower():
            return adapter
    return text


def _guest_id(distro: str, version: str | None) -> str:
    found = guests.guest_id(distro, version)
    if found is None:
        raise CommandLineError(
            f'no guest id of vSphere is known for --os-distro {distro}'
            + (f' --os-version {version}' if version else '')
            + '; give it with --guest-id'
        )
    return found
