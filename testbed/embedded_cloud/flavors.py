# SPDX-License-Identifier: Apache-2.0
"""Flavors and their extra specs, through nova's API."""

import dataclasses
from collections.abc import Mapping

from testbed.embedded_cloud.api import ComputeApi
from testbed.embedded_cloud.results import Flavor


class Flavors:
    """``cloud.flavors``; everything is done as an admin.

    From microversion 2.86 on, which is the default, nova validates extra
    specs: one that it knows to be wrong raises ApiError with status 400.
    """

    def __init__(self, admin: ComputeApi) -> None:
        self._admin = admin
        # Kept, as it is made when it is asked for first.
        self.made_default: Flavor | None = None

    def create(
        self,
        name: str,
        *,
        vcpus: int = 1,
        memory_mb: int = 1024,
        disk_gb: int = 1,
        extra_specs: Mapping[str, str] | None = None,
        microversion: str | None = None,
    ) -> Flavor:
        """Create a public flavor (MiB, GiB) with extra specs.

        ``microversion``: for the request that sets the extra specs; None is
        the default of this package.
        """
        created = self._admin.post(
            '/flavors',
            {
                'flavor': {
                    'name': name,
                    'vcpus': vcpus,
                    'ram': memory_mb,
                    'disk': disk_gb,
                }
            },
        )['flavor']
        flavor = Flavor(created['id'], name, vcpus, memory_mb, disk_gb, {})
        if not extra_specs:
            return flavor
        return self.set_extra_specs(flavor, extra_specs, microversion)

    def set_extra_specs(
        self,
        flavor: Flavor,
        extra_specs: Mapping[str, str],
        microversion: str | None = None,
    ) -> Flavor:
        """Set these extra specs; others keep their values."""
        api = (
            self._admin
            if microversion is None
            else (self._admin.at(microversion))
        )
        answer = api.post(
            f'/flavors/{flavor.id}/os-extra_specs',
            {'extra_specs': dict(extra_specs)},
        )
        return dataclasses.replace(
            flavor,
            extra_specs={**flavor.extra_specs, **answer['extra_specs']},
        )

    def unset_extra_specs(self, flavor: Flavor, *keys: str) -> Flavor:
        """Remove these extra specs."""
        for key in keys:
            self._admin.delete(f'/flavors/{flavor.id}/os-extra_specs/{key}')
        remaining = {
            key: value
            for key, value in flavor.extra_specs.items()
            if key not in keys
        }
        return dataclasses.replace(flavor, extra_specs=remaining)

    def default(self) -> Flavor:
        """Return a flavor of 1 vCPU, 1 GiB memory, 1 GiB disk."""
        if self.made_default is None:
            self.made_default = self.create('default')
        return self.made_default
