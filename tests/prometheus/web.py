# SPDX-License-Identifier: Apache-2.0
"""Pages of servers on this machine."""

import urllib.request

from testbed.processes import polling

# Whatever proxy the environment names.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def read(url):
    """Return the text of a page.

    :raises OSError: if there is none
    """
    with _opener.open(url, timeout=polling.TIMEOUT) as answer:
        return answer.read().decode()


def answers(url):
    """Tell whether there is a page."""
    try:
        read(url)
    except OSError:
        return False
    return True
