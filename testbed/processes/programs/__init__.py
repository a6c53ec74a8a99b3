# SPDX-License-Identifier: Apache-2.0
"""Programs that the tests start by their paths; nothing imports them."""

import pathlib

_FOLDER = pathlib.Path(__file__).parent

CALL_SCHEDULER = _FOLDER / 'call_scheduler.py'
FILL_DATABASES = _FOLDER / 'fill_databases.py'
MAKE_DATABASES = _FOLDER / 'make_databases.py'
RUN_PROGRAMS = _FOLDER / 'run_programs.py'
SERVE_PLACEMENT = _FOLDER / 'serve_placement.py'
SERVE_WSGI = _FOLDER / 'serve_wsgi.py'
