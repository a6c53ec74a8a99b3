# SPDX-License-Identifier: Apache-2.0
"""Programs that the tests start by their paths; nothing imports them."""

import pathlib

_FOLDER = pathlib.Path(__file__).parent

REPORT_DRIVER = _FOLDER / 'report_driver.py'
