# SPDX-License-Identifier: Apache-2.0
"""The variables by which clients find the cloud."""

from tests.processes.site import ADMIN
from tests.processes.site import DOMAIN_ID
from tests.processes.site import PASSWORD
from tests.processes.site import REGION


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
