#!/usr/bin/env python3
"""What differs from HAProxy on purpose: in which scenarios, where, which field,
HAProxy's value, ours (regular expressions), and why. A difference that is not
here is an error, one that is here and does not occur is as well."""

import re


class Intended:
    """One intended difference."""

    def __init__(self, scenarios, where, field, theirs, ours, reason):
        self.scenarios = scenarios.split()
        self.where, self.field, self.reason = where, field, reason
        self.theirs, self.ours = theirs, ours

    def matches(self, where, field, a, b):
        """Is it this one?"""
        pairs = ((self.where, where), (self.field, field),
                 (self.theirs, a), (self.ours, b))
        return all(re.fullmatch(p, text, re.S) for p, text in pairs)


INTENDED = []
