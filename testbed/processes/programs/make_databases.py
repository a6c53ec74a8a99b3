# SPDX-License-Identifier: Apache-2.0
"""Make nova's databases, as nova-manage does, but in one process.

nova takes seconds to import, and an operator starts nova-manage four times.
Takes the URL of cell0's database, and then the arguments of any of nova's
programs, whose configuration names the API database and that of cell1.
"""

import sys

from nova import config
from nova import objects
from nova.cmd import manage


def main():
    program, cell0, *arguments = sys.argv
    config.parse_args([program, *arguments])
    objects.register_all()
    cells = manage.CellV2Commands()
    sys.exit(
        manage.ApiDbCommands().sync()
        or cells.map_cell0(database_connection=cell0)
        or manage.DbCommands().sync()
        # Never opened: nova-scheduler sends nothing to a cell.
        or cells.create_cell(name='cell1', transport_url='fake:/')
    )


if __name__ == '__main__':
    main()
