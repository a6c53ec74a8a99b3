# SPDX-License-Identifier: Apache-2.0
"""The variables by which clients find the cloud, and files that set them."""

import pathlib

from testbed.processes.site import ADMIN
from testbed.processes.site import DOMAIN_ID
from testbed.processes.site import PASSWORD
from testbed.processes.site import REGION
from testbed.processes.supervisor import BIN


def variables(auth_url: str, user: str = ADMIN) -> dict[str, str]:
    """Return the variables for a user in the project of the same name."""
    return {
        'OS_AUTH_URL': auth_url,
        'OS_IDENTITY_API_VERSION': '3',
        'OS_USERNAME': user,
        'OS_PASSWORD': PASSWORD,
        'OS_PROJECT_NAME': user,
        'OS_USER_DOMAIN_ID': DOMAIN_ID,
        'OS_PROJECT_DOMAIN_ID': DOMAIN_ID,
        'OS_REGION_NAME': REGION,
    }


def path(folder: pathlib.Path, user: str = ADMIN) -> pathlib.Path:
    """Return the file for a user.

    :param folder: of the cloud
    """
    return folder / f'openrc-{user}'


def write(folder: pathlib.Path, auth_url: str, user: str = ADMIN) -> None:
    """Write the file for a user, by which a shell also finds ``openstack``.

    :param folder: of the cloud
    """
    lines = [
        f'export {name}={text}'
        for name, text in variables(auth_url, user).items()
    ]
    lines.append(f'export PATH={BIN}:$PATH')
    path(folder, user).write_text('\n'.join(lines) + '\n')
