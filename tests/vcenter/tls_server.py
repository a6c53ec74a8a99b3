# SPDX-License-Identifier: Apache-2.0
"""A server that speaks TLS and is no vCenter, or answers as none does."""

import ssl
from collections.abc import Callable

from testbed.fake_api import Answer
from testbed.fake_api import FakeApi
from testbed.fake_api import Request
from testbed.vcenter.certificates import Pair

_VERSIONS = b"""<namespaces version="1.0"><namespace>
<name>urn:vim25</name><version>8.0.3.0</version>
</namespace></namespaces>
"""


class TlsServer(FakeApi):
    """An HTTP server, by TLS."""

    def __init__(
        self, pair: Pair, answer: Callable[[Request], Answer]
    ) -> None:
        """Serve."""
        super().__init__(answer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        # In time: nobody knows the port yet.
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True
        )


def always(answer: Answer) -> Callable[[Request], Answer]:
    """Answer everything with the same."""
    return lambda request: answer


def in_calls(answer: Answer) -> Callable[[Request], Answer]:
    """Tell which versions vCenter has, and answer every call with the same."""
    versions = Answer(200, _VERSIONS)
    return lambda request: versions if request.method == 'GET' else answer
