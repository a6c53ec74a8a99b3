# SPDX-License-Identifier: Apache-2.0
"""The page for operators has every check of vCenters."""

import pathlib
import re

from hypervisor_affinity.operations.vcenter.checks import VCenterCheck

PAGE = pathlib.Path(__file__).parents[3] / 'doc/source/vcenter.rst'


def test_every_check_is_on_the_page_once():
    terms = [
        name
        for line in PAGE.read_text().splitlines()
        if re.fullmatch(r'``\w+``(, ``\w+``)*', line)
        for name in re.findall(r'``(\w+)``', line)
    ]
    assert sorted(terms) == sorted(check.value for check in VCenterCheck)
