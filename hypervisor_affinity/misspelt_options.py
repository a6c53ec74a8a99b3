# SPDX-License-Identifier: Apache-2.0
"""Names in configuration files that nothing of ours reads."""

from collections.abc import Iterable, Iterator

from hypervisor_affinity import conf
from hypervisor_affinity import conf_files
from hypervisor_affinity import option_values
from hypervisor_affinity import vcenter_conf
from hypervisor_affinity.option_values import Misspelt


def find(files: Iterable[str]) -> Iterator[tuple[str, Misspelt]]:
    """Yield misspelt sections and options of ours, with the file of each.

    :raises ConfError: if a file cannot be read
    """
    known = [*conf.list_opts(), *vcenter_conf.list_opts()]
    for file in files:
        for name in option_values.misspelt(conf_files.sections(file), known):
            yield file, name
