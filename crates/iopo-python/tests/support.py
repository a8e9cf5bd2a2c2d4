"""The labeled data outside the repository, and the packages of the second half of the tests."""

import atexit
import importlib.util
import json
import os
import sys
import unittest
from pathlib import Path

_DATA = os.environ.get("IOPO_TEST_DATA")
# With the packages installed, no test may be skipped for lack of them.
_PACKAGES = os.environ.get("IOPO_TEST_PACKAGES") == "1"


_ABSENT = set()


def data(name):
    """A file of labeled data; the test is skipped where the data are absent, and their names are printed at the end."""
    path = Path(_DATA or "absent") / name
    if not path.exists():
        _ABSENT.add(name)
        raise unittest.SkipTest(f"{name} is not part of the repository")
    return path


@atexit.register
def _name_skipped():
    if _ABSENT:
        names = ", ".join(sorted(_ABSENT))
        print(f"skipped: tests of labels, for lack of {names} in IOPO_TEST_DATA ({_DATA or 'not set'})", file=sys.stderr)


def rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def needs(package):
    """Skips a test without a package, unless all packages are promised."""
    return unittest.skipUnless(_PACKAGES or importlib.util.find_spec(package), f"needs {package}")
