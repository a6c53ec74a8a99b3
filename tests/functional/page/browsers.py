# SPDX-License-Identifier: Apache-2.0
"""A browser that shows the page."""

import json
import os
import shutil

PROGRAMS = ('chromium', 'chromedriver')
DESKTOP = (1280, 900)
PHONE = (390, 844)

HOSTILE = (
    '</script><script>window.executed=1</script>'
    '<img src="http://127.0.0.1:9/x" onerror="window.executed=1">'
    '"\'><svg onload=window.executed=1>'
)

# Names of the hosts whose rows are drawn, in order.
VISIBLE = """
    return [...document.querySelectorAll('tbody tr')]
        .filter((row) => row.getClientRects().length)
        .map((row) => row.cells[0].firstChild.data.trim());
"""


class Browser:
    """Chromium with one window.

    * ``driver``: selenium's
    """

    def __init__(self, *, script=True):
        # Here, since this is imported where selenium is not installed.
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which('chromium')
        options.add_argument('--headless=new')
        if os.geteuid() == 0:
            options.add_argument('--no-sandbox')
        # Containers often have little of /dev/shm.
        options.add_argument('--disable-dev-shm-usage')
        if not script:
            setting = 'profile.managed_default_content_settings.javascript'
            options.add_experimental_option('prefs', {setting: 2})
        options.set_capability(
            'goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'}
        )
        service = webdriver.ChromeService(shutil.which('chromedriver'))
        self.driver = webdriver.Chrome(options, service)

    def open(self, path, fragment='', size=DESKTOP):
        width, height = size
        self.command(
            'Emulation.setDeviceMetricsOverride',
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=size is PHONE,
        )
        # From another page, so that a new fragment loads the page again.
        self.driver.get('about:blank')
        self.requests()
        self.driver.get(f'{path.as_uri()}{fragment}')

    def command(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    def prefer(self, scheme, media='screen'):
        self.command(
            'Emulation.setEmulatedMedia',
            media=media,
            features=[{'name': 'prefers-color-scheme', 'value': scheme}],
        )

    def run(self, script):
        return self.driver.execute_script(script)

    def find(self, selector):
        return self.driver.find_element('css selector', selector)

    def reason(self, name):
        return self.find(f'button[value="{name}"]')

    def visible(self):
        return self.run(VISIBLE)

    def shown(self):
        return self.find('output').text

    def focused(self):
        return self.driver.switch_to.active_element

    def press(self, *keys):
        self.focused().send_keys(*keys)

    def requests(self):
        """Return the addresses asked for since the last call."""
        messages = [
            json.loads(entry['message'])['message']
            for entry in self.driver.get_log('performance')
        ]
        return [
            message['params']['request']['url']
            for message in messages
            if message['method'] == 'Network.requestWillBeSent'
        ]

    def roles(self):
        """Return {role: names} as assistive technology is told them."""
        found = {}
        for node in self.command('Accessibility.getFullAXTree')['nodes']:
            if not node['ignored']:
                name = node.get('name', {}).get('value', '')
                found.setdefault(node['role']['value'], []).append(name)
        return found
