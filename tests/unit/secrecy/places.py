# SPDX-License-Identifier: Apache-2.0
"""Every place that can hold a password, each with a marker of its own."""

import contextlib
import http.server
import json
import threading

from tests import fake_keystone

MARKER = 'zq9s3cret'

# nova.conf as it should be; nobody listens on port 1.
_GOOD = {
    'DEFAULT': {'transport_url': 'rabbit://nova:{}@127.0.0.1:1/'},
    'database': {'connection': 'mysql+pymysql://nova:{}@127.0.0.1:1/nova'},
    'api_database': {'connection': 'mysql+pymysql://nova:{}@127.0.0.1:1/api'},
    'keystone_authtoken': {'password': '{}'},
    'placement': {
        'auth_type': 'password',
        'auth_url': 'http://placement:{}@127.0.0.1:1/v3',
        'username': 'placement',
        'password': '{}',
    },
    'vmware': {
        'host_ip': '127.0.0.1',
        'host_port': '1',
        'host_username': 'administrator',
        'host_password': '{}',
        'cluster_name': 'production',
    },
}

# What an operator may get wrong: what is added at the end of a file.
CONF_FAULTS = {
    'none': '',
    'no sign': 'host_password {}\n',
    'an URL without a sign': 'connection mysql//nova,{}@db/nova\n',
    'no end of a section': '[{}\n',
    'no name': '= {}\n',
    'no text': 'host_password = {}\xff\n',
    'a value that goes on': (
        '[hypervisor_affinity]\ntell_user = true\n'
        '  transport_url = rabbit://nova:{0}@mq/\n'
        '[hypervisor_affinity_vcenter]\ninsecure = false\n'
        '  host_password = {0}\n'
    ),
    'a list that goes on': (
        '[hypervisor_affinity]\npreferred_hypervisors = kvm,vmware\n'
        '  transport_url = rabbit://nova:{}@mq/\n'
        '[hypervisor_affinity_vcenter]\nhost_port = 1\n  password = {}\n'
    ),
    'an option of the command line that goes on': (
        '[DEFAULT]\ndebug = true\n  transport_url = rabbit://nova:{}@mq/\n'
    ),
    'a cluster that goes on': (
        '[hypervisor_affinity_vcenter]\ncluster_name = production\n'
        '  host_password = {}\n'
    ),
    'an expression that goes on': (
        '[hypervisor_affinity_vcenter]\ndatastore_regex = nfs(\n'
        '  host_password = {}\n'
    ),
    'a user that goes on': (
        '[hypervisor_affinity_vcenter]\nhost_username = reader\n'
        '  host_password = {}\n'
    ),
    'a filter that goes on': (
        '[filter_scheduler]\nhost_subset_size = 1\n  password = {}\n'
        'enabled_filters = ComputeFilter\n  password = {}\n'
    ),
    'a reference': (
        '[hypervisor_affinity]\nvmdk_images = a${0}\n'
        '[hypervisor_affinity_vcenter]\nhost_password = a${0}\n'
        '[database]\nslave_connection = mysql://nova:a${0}@db/nova\n'
    ),
}


def write_conf(path, fault):
    """Write a nova.conf, with what is wrong with it."""
    lines = []
    for group, options in _GOOD.items():
        lines.append(f'[{group}]')
        lines += [
            f'{name} = {value.format(f"{MARKER}-{group}-{name}")}'
            for name, value in options.items()
        ]
    text = '\n'.join([*lines, ''])
    text += CONF_FAULTS[fault].replace('{}', '{0}').format(f'{MARKER}-wrong')
    path.write_bytes(text.encode('latin-1'))
    return path


_USER = {
    'OS_USERNAME': 'operator',
    'OS_PASSWORD': f'{MARKER}-password',
    'OS_PROJECT_NAME': 'admin',
    'OS_USER_DOMAIN_ID': 'default',
    'OS_PROJECT_DOMAIN_ID': 'default',
}
_TOKEN = {'OS_AUTH_TYPE': 'token', 'OS_TOKEN': f'{MARKER}-token'}
_APPLICATION = {
    'OS_AUTH_TYPE': 'v3applicationcredential',
    'OS_APPLICATION_CREDENTIAL_ID': 'application',
    'OS_APPLICATION_CREDENTIAL_SECRET': f'{MARKER}-application',
}
_URL = f'http://operator:{MARKER}-url@127.0.0.1:{{port}}/v3'

# How a cloud is named, and what becomes of it: the environment.
CLOUD_FAULTS = {
    'an API that fails': {**_USER, 'OS_AUTH_URL': _URL},
    'an API that fails, with a token': {**_TOKEN, 'OS_AUTH_URL': _URL},
    'unauthorized': {
        **_USER,
        'OS_AUTH_URL': _URL.replace('/v3', '/unauthorized/v3'),
    },
    'unauthorized application': {
        **_APPLICATION,
        'OS_AUTH_URL': _URL.replace('/v3', '/unauthorized/v3'),
    },
    'refused': {**_USER, 'OS_AUTH_URL': _URL.replace('{port}', '1')},
    'refused, no version': {
        **_USER,
        'OS_AUTH_URL': _URL.replace('{port}/v3', '1'),
    },
    'no TLS': {**_USER, 'OS_AUTH_URL': _URL.replace('http', 'https')},
    'a slash': {**_USER, 'OS_AUTH_URL': _URL.replace('-url', '/-url')},
    'a number sign': {**_USER, 'OS_AUTH_URL': _URL.replace('-url', '#-url')},
    'blanks': {**_USER, 'OS_AUTH_URL': _URL.replace('-url', ' -url')},
    'no scheme': {**_USER, 'OS_AUTH_URL': _URL.partition('//')[2]},
    'another scheme': {**_USER, 'OS_AUTH_URL': _URL.replace('http', 'htp')},
    'no port': {**_USER, 'OS_AUTH_URL': _URL.replace('{port}', 'port')},
}

# clouds.yaml with a password that is something else to YAML.
CLOUDS_YAML_FAULTS = {
    'none': f"'{MARKER}'",
    'a tag': f'!{MARKER}',
    'an alias': f'*{MARKER}',
    'an open quote': f'"{MARKER}',
    'a mapping': f'{{{MARKER}: ',
}


def write_clouds_yaml(path, fault):
    """Write one with the cloud ``mine``; nobody listens there."""
    path.write_text(
        'clouds:\n  mine:\n    auth:\n'
        f'      auth_url: http://operator:{MARKER}-url@127.0.0.1:1/v3\n'
        '      username: operator\n      project_name: admin\n'
        f'      password: {CLOUDS_YAML_FAULTS[fault]}\n'
    )
    return path


class _Cloud(http.server.BaseHTTPRequestHandler):
    """Gives a token, refuses those who ask below /unauthorized, else fails."""

    def do_GET(self):
        host = f'http://operator:{MARKER}-link@{self.headers["Host"]}'
        if self.path.rstrip('/') == '/v3':
            self._answer(200, fake_keystone.version(host))
        else:
            self._fail(500)

    def do_POST(self):
        self.rfile.read(int(self.headers.get('Content-Length', 0)))
        if self.path != '/v3/auth/tokens':
            self._fail(401)
            return
        url = f'http://nova:{MARKER}-endpoint@{self.headers["Host"]}/'
        catalog = [
            fake_keystone.service(kind, url)
            for kind in ('compute', 'image', 'placement', 'volumev3')
        ]
        token = fake_keystone.token(catalog)
        self._answer(201, token, f'{MARKER}-issued')

    def _fail(self, code):
        self._answer(code, {'error': {'code': code, 'message': 'no'}})

    def _answer(self, code, body, token=None):
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(content)))
        if token:
            self.send_header('X-Subject-Token', token)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def cloud():
    """Serve one; return its port."""
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), _Cloud) as server:
        # Who speaks TLS to it is not to wait.
        _Cloud.timeout = 5
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()
