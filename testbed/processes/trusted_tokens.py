# SPDX-License-Identifier: Apache-2.0
"""What checks tokens where there is no Keystone: believes what they say.

It stands in the pipelines of nova's and Glance's APIs in the place of
``keystonemiddleware.auth_token``, so that all else of them is real, above all
their policies.
"""

# {token: roles that Keystone would have told}
ROLES = {
    'admin': 'admin,manager,member,reader',
    'reader': 'reader',
}


class TrustedTokens:
    """Middleware of WSGI: a token is its user's and its project's name."""

    def __init__(self, application):
        self._application = application

    def __call__(self, environ, start_response):
        token = environ.get('HTTP_X_AUTH_TOKEN')
        if token not in ROLES:
            start_response(
                '401 Unauthorized', [('Content-Type', 'text/plain')]
            )
            return [b'Keystone knows no such token']
        environ.update(
            HTTP_X_IDENTITY_STATUS='Confirmed',
            HTTP_X_USER_ID=token,
            HTTP_X_PROJECT_ID=token,
            HTTP_X_ROLES=ROLES[token],
        )
        return self._application(environ, start_response)


def filter_factory(global_conf, **local_conf):
    """Return what paste makes of the filter."""
    return TrustedTokens
