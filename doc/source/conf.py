# SPDX-License-Identifier: Apache-2.0
"""Sphinx's configuration."""

import importlib.metadata
import pathlib
import subprocess
import sys

from docutils import nodes
from docutils.parsers import rst

project = 'hypervisor-affinity'
copyright = '2026, the hypervisor-affinity developers'

_HERE = pathlib.Path(__file__).parent
# Our own extensions, and the case table of the tests, which they show.
sys.path[:0] = [str(_HERE / '_ext'), str(_HERE.parents[1])]

extensions = [
    'oslo_config.sphinxext',
    'case_pages',
    'driver_pages',
    'reason_pages',
    'tool_pages',
]
html_theme = 'furo'
html_title = project
html_static_path = ['_static']
html_css_files = ['site.css']
version = release = importlib.metadata.version(project)

# The page, the command, what it is in a line, no author, the section.
man_pages = [
    (f'cli/{page}', command, description, '', 1)
    for page, command, description in (
        (
            'hypervisor-affinity',
            'hypervisor-affinity',
            'which server belongs on which hypervisor, and why',
        ),
        (
            'audit',
            'hypervisor-affinity-audit',
            'find servers on the wrong hypervisor',
        ),
        (
            'classify',
            'hypervisor-affinity-classify',
            'show which hypervisor an image needs',
        ),
        (
            'explain',
            'hypervisor-affinity-explain',
            'show why hosts take a request, or not',
        ),
        (
            'image-audit',
            'hypervisor-affinity-image-audit',
            'find and fix image properties that are missing, wrong or lost',
        ),
        (
            'image-inspect',
            'hypervisor-affinity-image-inspect',
            'show what a disk is, who accepts it, and which properties fit',
        ),
        (
            'image-prepare',
            'hypervisor-affinity-image-prepare',
            'convert a disk to a VMDK for ESXi',
        ),
        (
            'image-upload',
            'hypervisor-affinity-image-upload',
            'upload a disk with the properties that fit, and verify it',
        ),
        (
            'simulate',
            'hypervisor-affinity-simulate',
            'play a scenario with the filters and weighers of nova',
        ),
        (
            'snapshot',
            'hypervisor-affinity-snapshot',
            'save a cloud to a file',
        ),
        (
            'vcenter-check',
            'hypervisor-affinity-vcenter-check',
            'find problems of vCenters, and differences between them and nova',
        ),
        (
            'vcenter-show',
            'hypervisor-affinity-vcenter-show',
            'show the vCenter clusters that are hosts of nova',
        ),
        (
            'decisions',
            'hypervisor-affinity-decisions',
            'write the records of what nova-scheduler decides',
        ),
        (
            'exporter',
            'hypervisor-affinity-exporter',
            'serve metrics for Prometheus',
        ),
        (
            'hypervisor-affinity-fake-compute',
            'hypervisor-affinity-fake-compute',
            'nova-compute without a hypervisor, for gates and test clouds',
        ),
        (
            'hypervisor-affinity-status',
            'hypervisor-affinity-status',
            'check that nova and the cloud are set up for it',
        ),
    )
]


def history_is_complete() -> bool:
    """Tell whether reno can work: it reads every commit."""
    try:
        git = subprocess.run(
            ['git', 'rev-parse', '--is-shallow-repository', 'HEAD'],
            cwd=_HERE,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        return False
    return git.returncode == 0 and git.stdout.startswith('false')


class NoReleaseNotes(rst.Directive):
    """What stands in the place of reno's directive without a history."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Say why there are none."""
        text = 'Built without the git history, from which they are made.'
        return [nodes.paragraph('', text)]


if history_is_complete():
    extensions.append('reno.sphinxext')
else:
    rst.directives.register_directive('release-notes', NoReleaseNotes)
