# SPDX-License-Identifier: Apache-2.0
"""nova's HostManager without its databases.

For all who want nova-scheduler's filters and weighers, built and run by nova's
own class, where no database is.
"""

from collections.abc import Iterable
from typing import Any

from nova.scheduler import host_manager


class HostManager(host_manager.HostManager):
    """nova's own: its aggregates are given, cells and servers it has none."""

    def __init__(self, aggregates: Iterable[Any] = ()) -> None:
        """Build filters and weighers by ``nova.conf.CONF``.

        :param aggregates: ``nova.objects.Aggregate``
        """
        super().__init__()
        self.update_aggregates(list(aggregates))

    def refresh_cells_caches(self) -> None:
        """Know no cells."""
        self.cells: dict[str, Any] = {}
        self.enabled_cells: list[Any] = []

    def _init_aggregates(self) -> None:
        pass

    def _init_instance_info(self, computes_by_cell: Any = None) -> None:
        pass
