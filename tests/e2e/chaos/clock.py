#!/usr/bin/env python3
"""A wall clock that can be set, for some processes only: libfaketime (Debian's
package faketime). What is monotonic stays as it is, as on a real machine whose
clock is set."""

import glob
import os

from lib import Skip


class Clock:
    """The clock of the processes that are started with its env."""

    def __init__(self, lab):
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not found:
            raise Skip("the package faketime is not installed")
        self.lab = lab
        self.path = lab.file("clock", "+0\n")
        self.env = {**os.environ, "LD_PRELOAD": found[0], "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                    "DONT_FAKE_MONOTONIC": "1"}

    def set(self, seconds):
        """Let it differ from the real one by that much."""
        new = self.lab.file("clock.new", "%+d\n" % seconds)
        os.rename(new, self.path)
