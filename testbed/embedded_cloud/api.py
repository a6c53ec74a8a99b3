# SPDX-License-Identifier: Apache-2.0
"""nova's HTTP API, as one user at one microversion."""

import json
from typing import Any

from testbed.embedded_cloud.results import ApiError

# The newest one that all supported releases of nova have in common is far
# enough: extra-spec validation (2.86), unshelve to a host (2.91), rebuild of
# volume-booted servers (2.93), and with 2.95 an evacuated server is stopped.
MICROVERSION = '2.96'


class ComputeApi:
    """A thin client.

    Every method raises ApiError for a status of 400 or more and returns the
    decoded body, or None for an empty one. Paths start with a slash.
    """

    def __init__(self, client, microversion: str = MICROVERSION) -> None:
        self._client = client
        self._microversion = microversion

    def at(self, microversion: str) -> 'ComputeApi':
        """Return the same user's client for another microversion."""
        return ComputeApi(self._client, microversion)

    def get(self, path: str) -> Any:
        return self._request('GET', path)

    def post(self, path: str, body: dict) -> Any:
        return self._request('POST', path, body)

    def put(self, path: str, body: dict) -> Any:
        return self._request('PUT', path, body)

    def delete(self, path: str) -> Any:
        return self._request('DELETE', path)

    def _request(self, method: str, path: str, body: dict | None = None):
        # nova's test client keeps its microversion as an attribute.
        self._client.microversion = self._microversion
        response = self._client.api_request(
            path.lstrip('/'),
            method=method,
            body=None if body is None else json.dumps(body),
        )
        if response.status_code >= 400:
            raise ApiError(response.status_code, _error_text(response))
        return response.json() if response.content else None


def _error_text(response) -> str:
    """Return the message of nova's {"<kind>": {"message": ...}} body."""
    try:
        body = response.json()
    except ValueError:
        return response.text
    if isinstance(body, dict):
        for content in body.values():
            if isinstance(content, dict) and 'message' in content:
                return content['message']
    return response.text
