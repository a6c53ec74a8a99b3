# SPDX-License-Identifier: Apache-2.0
"""Sizes for people and for programs."""

from cliff import columns

from hypervisor_affinity.image import size


class Size(columns.FormattableColumn):
    """Bytes: 1.4 GiB in a table, the number in other formats."""

    def human_readable(self) -> str:
        """Return it with a unit."""
        return size.shown(self._value)
