# SPDX-License-Identifier: Apache-2.0
"""Serve a service's API on loopback: MODULE PORT [ARGUMENT...].

The module has it as ``application``; the arguments are for the service.
"""

import importlib
import sys

import waitress

_THREADS = 8
# Clients keep theirs open for the next request. With the default of 100 some
# would wait until those of others time out.
_CONNECTIONS = 1000


def main():
    module, port, *arguments = sys.argv[1:]
    # keystone, nova and cinder parse what is there when they are imported.
    sys.argv[1:] = arguments
    application = importlib.import_module(module).application
    waitress.serve(
        application,
        host='127.0.0.1',
        port=int(port),
        threads=_THREADS,
        connection_limit=_CONNECTIONS,
    )


if __name__ == '__main__':
    main()
