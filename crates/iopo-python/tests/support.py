"""The labeled data outside the repository, and the packages of the second half of the tests."""

import importlib.util
import json
import os
import unittest
from pathlib import Path

_DATA = os.environ.get("IOPO_TEST_DATA")
# With the packages installed, no test may be skipped for lack of them.
_PACKAGES = os.environ.get("IOPO_TEST_PACKAGES") == "1"


def data(name):
    """A file of labeled data; the test is skipped where the data are absent."""
    path = Path(_DATA or "absent") / name
    if not path.exists():
        raise unittest.SkipTest(f"{name} is not part of the repository")
    return path


def rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def needs(package):
    """Skips a test without a package, unless all packages are promised."""
    return unittest.skipUnless(_PACKAGES or importlib.util.find_spec(package), f"needs {package}")
