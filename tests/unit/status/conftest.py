# SPDX-License-Identifier: Apache-2.0
import nova.conf
import pytest
from nova import objects
from nova.scheduler import request_filter
from oslo_config import fixture as config_fixture

from hypervisor_affinity import conf as our_conf
from testbed import example_conf

# As the program does.
objects.register_all()


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Read nova.conf into nova's own CONF: ``load(text, *other_files)``."""
    conf = nova.conf.CONF

    def load(text='', *files):
        path = tmp_path / 'nova.conf'
        path.write_text(text)
        conf(
            [f'--config-file={name}' for name in (*files, path)],
            project='nova',
            default_config_dirs=[],
        )
        our_conf.register_opts(conf)
        return conf

    # What an earlier scheduler of this process has installed is none of ours.
    monkeypatch.setattr(
        request_filter,
        'ALL_REQUEST_FILTERS',
        request_filter.ALL_REQUEST_FILTERS.copy(),
    )
    with config_fixture.Config(conf):
        yield load


@pytest.fixture
def load_example(load):
    """Read the example nova.conf, and some text after it."""
    return lambda text='': load(text, example_conf.PATH)
