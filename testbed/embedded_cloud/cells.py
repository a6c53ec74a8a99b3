# SPDX-License-Identifier: Apache-2.0
"""The databases of the cells, kept apart."""

import contextlib

from nova.tests import fixtures as nova_fixtures


class SteadyCellDatabases(nova_fixtures.CellDatabases):
    """nova's fixture, without its global "current cell".

    That one lets code that targets no cell use whichever cell some other
    green thread is targeting just then, and locks around every change of
    it. A scheduler's heartbeat, say, then looks for its record in cell0. In
    this one a context uses the cell it is targeted to, and else cell1.
    """

    @contextlib.contextmanager
    def _wrap_target_cell(self, context, cell_mapping):
        with self._real_target_cell(context, cell_mapping) as targeted:
            yield targeted

    def _wrap_get_context_manager(self, context):
        targeted = getattr(context, 'db_connection', None)
        return targeted or self._default_ctxt_mgr
