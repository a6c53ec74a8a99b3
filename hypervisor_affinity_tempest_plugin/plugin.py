# SPDX-License-Identifier: Apache-2.0
"""What tempest loads through its entry point ``tempest.test_plugins``."""

import pathlib

from oslo_config import cfg
from tempest import config
from tempest.test_discover import plugins

from hypervisor_affinity_tempest_plugin import config as options

_PACKAGE = pathlib.Path(__file__).resolve().parent


class HypervisorAffinityTempestPlugin(plugins.TempestPlugin):
    """Tells tempest where the tests and their options are."""

    def load_tests(self) -> tuple[str, str]:
        """Return the directory of the tests, and of what they import."""
        return str(_PACKAGE / 'tests'), str(_PACKAGE.parent)

    def register_opts(self, conf: cfg.ConfigOpts) -> None:
        """Add the options to tempest's own."""
        conf.register_opt(options.service_option, group='service_available')
        config.register_opt_group(conf, options.group, options.opts)

    def get_opt_lists(self) -> list[tuple[str, list[cfg.Opt]]]:
        """Return the options for tempest's sample configuration."""
        return [
            ('service_available', [options.service_option]),
            (options.group.name, options.opts),
        ]
