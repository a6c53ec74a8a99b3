# SPDX-License-Identifier: Apache-2.0
"""Has nova choose between eventlet and native threads; imported first.

* ``IS_EVENTLET``: what it chose
"""

import sys

from nova import monkey_patch

# Until nova 31 it chooses when it is imported.
if hasattr(monkey_patch, 'patch'):
    # By the environment; else as nova-compute of nova 33 does.
    monkey_patch.patch()

_patcher = sys.modules.get('eventlet.patcher')
IS_EVENTLET = _patcher is not None and _patcher.is_monkey_patched('thread')
