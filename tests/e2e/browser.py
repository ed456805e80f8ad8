"""A real browser, without a screen: Chromium by way of its WebDriver."""

import os
import shutil

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

# Colours as a browser computes them, and what lies behind an element; the
# contrast of text as WCAG 2 defines it. Returns [ratio, text] of all texts
# whose ratio is below the limit.
CONTRAST = r"""
function rgb(c) { return c.match(/[\d.]+/g).map(Number); }
function part(v) { v /= 255; return v <= .03928 ? v / 12.92 : Math.pow((v + .055) / 1.055, 2.4); }
function light(c) { return .2126 * part(c[0]) + .7152 * part(c[1]) + .0722 * part(c[2]); }
function back(e) {
	var box = e.closest("g.node");
	if (box && e.tagName === "text")
		return rgb(getComputedStyle(box.querySelector("rect")).fill);
	for (; e; e = e.parentElement) {
		var c = rgb(getComputedStyle(e).backgroundColor);
		if (c.length === 3 || c[3] > 0)
			return c;
	}
	return [255, 255, 255];
}
var bad = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
	var text = walker.currentNode.textContent.trim(), e = walker.currentNode.parentElement;
	if (text === "" || e.closest("script, noscript, title, details:not([open]) > ol"))
		continue;
	var style = getComputedStyle(e);
	var a = light(rgb(e.tagName === "text" ? style.fill : style.color)), b = light(back(e));
	var ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
	if (ratio < arguments[0])
		bad.push([Math.round(ratio * 100) / 100, text]);
}
return bad;
"""


class Browser(webdriver.Chrome):
    """Chromium with a window of so many pixels, with JavaScript or not."""

    def __init__(self, lab, width=1280, height=1000, javascript=True, dark=False):
        options = webdriver.ChromeOptions()
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu",
                     "--disable-dev-shm-usage", "--disable-background-networking",
                     "--no-first-run", "--window-size=%d,%d" % (width, height),
                     "--user-data-dir=" + os.path.join(lab.folder, "chromium%d%d%d" % (
                         width, javascript, dark))):
            options.add_argument(word)
        if dark:
            options.add_argument("--blink-settings=preferredColorScheme=0")
        if not javascript:
            options.add_experimental_option(
                "prefs", {"profile.managed_default_content_settings.javascript": 2})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.binary_location = shutil.which("chromium")
        super().__init__(service=Service(shutil.which("chromedriver")), options=options)
        lab.closers.append(self.quit)
        self.set_page_load_timeout(30)

    def resize(self, width, height=1000, dark=False):
        """Other dimensions, also below what a window can have, and colours."""
        self.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        self.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})

    def text(self, css):
        """The text of the first element, "" if there is none."""
        # At once: an element that was found may be replaced before it is asked.
        return self.execute_script(
            "var e = document.querySelector(arguments[0]); return e ? e.textContent : ''", css)

    def shot(self, path):
        """The whole page as a PNG."""
        height = self.execute_script("return document.documentElement.scrollHeight")
        width = self.execute_script("return window.innerWidth")
        self.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": min(height, 6000), "deviceScaleFactor": 1,
            "mobile": width < 600})
        self.save_screenshot(path)

    def low_contrast(self, least=4.5):
        """[ratio, text] of every text that is too pale."""
        return self.execute_script(CONTRAST, least)

    def complaints(self):
        """What stands in the console."""
        return [e["message"] for e in self.get_log("browser")]
