# SPDX-License-Identifier: Apache-2.0
"""Serve Placement on loopback, and write at which URL.

The configuration is where OS_PLACEMENT_CONFIG_DIR says.
"""

import sys
from wsgiref import simple_server

from placement.wsgi import init_application


def main():
    # Takes one request at a time, as SQLite takes one writer at a time.
    server = simple_server.make_server('127.0.0.1', 0, init_application())
    sys.stdout.write(f'serving http://127.0.0.1:{server.server_port}\n')
    sys.stdout.flush()
    server.serve_forever()


if __name__ == '__main__':
    main()
