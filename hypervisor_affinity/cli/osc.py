# SPDX-License-Identifier: Apache-2.0
"""What OpenStackClient asks of a plug-in, and what its own errors are.

The commands need no client of their own, only OpenStackClient's connection;
what is here has it load them.
"""

import argparse
import importlib
import sys
from typing import Any

API_NAME = 'hypervisor_affinity'
API_VERSION_OPTION = 'os_hypervisor_affinity_api_version'
API_VERSIONS = {'1': 'openstack.connection.Connection'}
DEFAULT_API_VERSION = '1'


def make_client(instance: Any) -> Any:
    """Return the connection."""
    return instance.sdk_connection


def errors() -> tuple[type[Exception], ...]:
    """Return those by which it says that it cannot authenticate.

    Beside those of openstacksdk and keystoneauth; none in our own program,
    where it is not loaded.
    """
    if 'osc_lib' not in sys.modules:
        return ()
    found = importlib.import_module('osc_lib.exceptions')
    return found.CommandError, found.AuthorizationFailure


def build_option_parser(
    parser: argparse.ArgumentParser,
) -> argparse.ArgumentParser:
    """Return the parser as it is: there is one version only."""
    return parser
