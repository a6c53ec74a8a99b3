# SPDX-License-Identifier: Apache-2.0
"""Programs that are started by their paths, in the Python of some nova.

They need nova, oslo.vmware and what these need, and nothing of this project.
They take the arguments of nova-compute, and write JSON.
"""

import pathlib

_FOLDER = pathlib.Path(__file__).parent

ASK = _FOLDER / 'ask.py'
OPERATE = _FOLDER / 'operate.py'
