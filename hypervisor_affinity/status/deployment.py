# SPDX-License-Identifier: Apache-2.0
"""What the checks look at."""

import functools

from oslo_config import cfg

from hypervisor_affinity import conf as our_conf
from hypervisor_affinity.core.policy import Policy
from hypervisor_affinity.status import databases
from hypervisor_affinity.status import start
from hypervisor_affinity.status.databases import Cloud
from hypervisor_affinity.status.databases import Unreadable
from hypervisor_affinity.status.hosts import OfferingHost
from hypervisor_affinity.status.hosts import read_offers
from hypervisor_affinity.status.start import Built
from hypervisor_affinity.status.start import Refused
from hypervisor_affinity.status.statements import NotChecked


class Deployment:
    """A nova-scheduler host, read as the checks ask for its parts.

    Each part is read once, also where that fails: a database that does not
    answer takes its time to say so.
    """

    def __init__(self, conf: cfg.ConfigOpts):
        """Read nothing yet.

        :param conf: ``nova.conf.CONF``, which nova's own filters and
            weighers read, with our options registered
        """
        self.conf = conf

    @property
    def policy(self) -> Policy:
        """Our options.

        :raises NotChecked: if one is wrong
        """
        try:
            return our_conf.read_policy(self.conf)
        except ValueError as error:
            raise NotChecked(
                'Not checked: an option of [hypervisor_affinity] is wrong.'
            ) from error

    @functools.cached_property
    def reading(self) -> Cloud | Unreadable:
        """What nova's databases hold, or why they cannot be read."""
        return databases.read_cloud()

    @property
    def cloud(self) -> Cloud:
        """What nova's databases hold.

        :raises NotChecked: if the API database cannot be read
        """
        if isinstance(self.reading, Unreadable):
            raise NotChecked(
                "Not checked: nova's API database cannot be read."
            )
        return self.reading

    @functools.cached_property
    def hosts(self) -> list[OfferingHost]:
        """The hosts, with what each of them offers.

        :raises NotChecked: if databases or options cannot be read
        """
        return read_offers(self.cloud.hosts, self.policy)

    @functools.cached_property
    def building(self) -> Built | Refused:
        """What nova-scheduler builds when it starts, or why it cannot."""
        return start.build()

    @property
    def built(self) -> Built:
        """What nova-scheduler builds when it starts.

        :raises NotChecked: if it cannot
        """
        if isinstance(self.building, Refused):
            raise NotChecked(
                'Not checked: nova-scheduler cannot build its filters and '
                'weighers.'
            )
        return self.building
