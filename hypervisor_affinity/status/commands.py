# SPDX-License-Identifier: Apache-2.0
"""All checks, and the command that runs them."""

import importlib.metadata
import sys
from collections.abc import Callable, Iterable

import nova.conf
from nova import config
from nova import objects
from nova import rpc
from nova.db.api import api as api_database
from nova.db.main import api as main_database
from oslo_upgradecheck import upgradecheck

from hypervisor_affinity import conf as our_conf
from hypervisor_affinity import conf_files
from hypervisor_affinity.status import aggregates
from hypervisor_affinity.status import databases
from hypervisor_affinity.status import flavors
from hypervisor_affinity.status import hosts
from hypervisor_affinity.status import modes
from hypervisor_affinity.status import plugins
from hypervisor_affinity.status import release
from hypervisor_affinity.status import servers
from hypervisor_affinity.status import services
from hypervisor_affinity.status import settings
from hypervisor_affinity.status import start
from hypervisor_affinity.status import statements
from hypervisor_affinity.status import stored_hints
from hypervisor_affinity.status import vcenters
from hypervisor_affinity.status import weights
from hypervisor_affinity.status.deployment import Deployment
from hypervisor_affinity.status.statements import Statement

_CHECK = 'check'

Check = Callable[[Deployment], Iterable[Statement]]

# In the order in which they are shown: what runs, nova.conf, then what the
# databases hold. The names are in the documentation; none is ever reused.
CHECKS: tuple[tuple[str, Check], ...] = (
    (
        'Releases',
        lambda deployment: release.check(
            importlib.metadata.version('nova'), sys.version_info[:2]
        ),
    ),
    (
        'Configuration files',
        lambda deployment: settings.check_configuration(deployment.conf),
    ),
    (
        'Options',
        lambda deployment: settings.check_options(deployment.conf),
    ),
    (
        'Files with passwords',
        lambda deployment: settings.check_files(deployment.conf),
    ),
    (
        'Filter',
        lambda deployment: plugins.check_filter(deployment.conf),
    ),
    (
        'Weigher',
        lambda deployment: plugins.check_weigher(
            deployment.conf, deployment.policy
        ),
    ),
    (
        'Start of nova-scheduler',
        lambda deployment: start.check(deployment.building),
    ),
    (
        'Weight multiplier',
        lambda deployment: weights.check_multiplier(
            deployment.built.weighers, deployment.policy
        ),
    ),
    (
        'Hypervisor versions',
        lambda deployment: weights.check_versions(deployment.built.weighers),
    ),
    (
        'Host subset size',
        lambda deployment: settings.check_host_subset(
            deployment.conf, deployment.policy
        ),
    ),
    (
        'Image metadata pre-filter',
        lambda deployment: settings.check_image_metadata_prefilter(
            deployment.conf
        ),
    ),
    (
        'Image type support',
        lambda deployment: settings.check_image_types(
            deployment.conf, deployment.policy
        ),
    ),
    (
        'Placement pre-filter',
        lambda deployment: start.check_prefilter(
            deployment.built, deployment.policy
        ),
    ),
    (
        'Decision notifications',
        lambda deployment: modes.check_notifications(
            deployment.conf, deployment.policy
        ),
    ),
    (
        'Databases',
        lambda deployment: databases.check(deployment.reading),
    ),
    (
        'Placement results',
        lambda deployment: hosts.check_placement_results(
            deployment.conf, deployment.policy, deployment.cloud
        ),
    ),
    (
        'Aggregate metadata',
        lambda deployment: aggregates.check_metadata(
            deployment.cloud.aggregates, deployment.policy
        ),
    ),
    (
        'Mode',
        lambda deployment: modes.check(
            deployment.policy, deployment.cloud.aggregates
        ),
    ),
    (
        'Aggregate isolation',
        lambda deployment: aggregates.check_isolation(
            deployment.conf, deployment.cloud.aggregates
        ),
    ),
    (
        'Aggregate multipliers',
        lambda deployment: weights.check_overrides(
            deployment.built.weighers, deployment.policy, deployment.hosts
        ),
    ),
    (
        'Untagged hosts',
        lambda deployment: hosts.check_untagged(deployment.hosts),
    ),
    (
        'Contradictory hosts',
        lambda deployment: hosts.check_contradictory(
            deployment.hosts, deployment.cloud.hosts
        ),
    ),
    (
        'Preferred hypervisors',
        lambda deployment: hosts.check_preferred(
            deployment.hosts, deployment.policy
        ),
    ),
    (
        'vCenter compute services',
        lambda deployment: services.check(deployment.hosts),
    ),
    (
        'vCenters',
        lambda deployment: vcenters.check(
            deployment.conf,
            deployment.policy,
            has_vcenter_hosts=any(
                found.runs_vmware for found in deployment.hosts
            ),
            unread=deployment.cloud.unread,
        ),
    ),
    (
        'Evacuation',
        lambda deployment: hosts.check_evacuation(deployment.hosts),
    ),
    (
        'Flavors',
        lambda deployment: flavors.check(
            deployment.conf,
            deployment.policy,
            deployment.cloud.flavors,
            deployment.cloud.hosts,
        ),
    ),
    (
        'Flavor RAM',
        lambda deployment: flavors.check_memory(
            deployment.policy, deployment.cloud.flavors, deployment.hosts
        ),
    ),
    (
        'Emulated architectures',
        lambda deployment: servers.check_emulated(deployment.cloud.emulated),
    ),
    (
        'Stored scheduler hints',
        lambda deployment: stored_hints.check(deployment.cloud.hinted),
    ),
)


def _run(commands: 'UpgradeCommands', check: Check) -> upgradecheck.Result:
    try:
        with conf_files.values(commands.deployment.conf):
            found = list(check(commands.deployment))
    except statements.NotChecked as reason:
        found = [statements.warning(str(reason))]
    except conf_files.ConfError as error:
        found = [
            statements.failure(
                f'{error}. nova-scheduler does not start with this. Correct '
                'the option.'
            )
        ]
    except Exception as error:
        found = [statements.not_judged('This check', error)]
    return statements.to_result(found)


class UpgradeCommands(upgradecheck.UpgradeCommands):
    """``upgrade check``.

    * ``deployment``: what is checked
    """

    def __init__(self, deployment: Deployment):
        super().__init__()
        self.deployment = deployment

    _upgrade_checks = tuple(
        (name, (_run, {'check': check})) for name, check in CHECKS
    )


class WrongCommand(Exception):
    """There is no such command; the text is its words."""


def run(argv: list[str]) -> int:
    """Run the command that ``argv`` names, with nova's configuration.

    :param argv: the program's name, and its arguments
    :returns: the exit code
    :raises WrongCommand: if there is none of the name
    :raises ConfError: if nova.conf cannot be read, or there is none
    """
    conf = nova.conf.CONF
    our_conf.register_opts(conf)
    commands = UpgradeCommands(Deployment(conf))
    upgradecheck.register_cli_options(conf, commands)
    with conf_files.reading(conf):
        config.parse_args(argv, configure_db=False, init_rpc=False)
    # oslo.upgradecheck takes any word for it.
    if conf.command.check != _CHECK:
        raise WrongCommand(f'upgrade {conf.command.check}')
    if not list(settings.files(conf)):
        raise conf_files.ConfError(
            'there is none where nova looks for it, as in /etc/nova. Name the '
            'files that nova-scheduler is started with, with --config-file'
        )
    try:
        # Registers options that nova reads beside a cell's database.
        rpc.init(conf)
    except Exception:
        # None: it may cite the URL, and so a password.
        raise conf_files.ConfError(
            '[DEFAULT] transport_url is wrong'
        ) from None
    # --json is read from there.
    upgradecheck.CONF = conf
    for group in ('database', 'api_database'):
        # One attempt tells; nova's ten would take minutes for each cell.
        conf.set_override('max_retries', 0, group)
    with conf_files.values(conf):
        main_database.configure(conf)
        api_database.configure(conf)
    objects.register_all()
    # Not its run(), which prints a traceback as the answer.
    code: int = conf.command.action_fn()
    return code
