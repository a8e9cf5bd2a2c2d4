"""``python -m iopo`` runs the ``iopo`` command of this package."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path


def command() -> Path:
    """Returns the path of the ``iopo`` command that was installed with this package."""
    name = "iopo" + (sysconfig.get_config_var("EXE") or "")
    # Installed into the environment, for the user, or with `pip install --target`.
    user = sysconfig.get_preferred_scheme("user")
    scripts = [sysconfig.get_path("scripts"), sysconfig.get_path("scripts", scheme=user)]
    directories = [*map(Path, scripts), Path(__file__).resolve().parents[1] / "bin"]
    for directory in directories:
        if (directory / name).is_file():
            return directory / name
    searched = ", ".join(map(str, directories))
    raise SystemExit(
        f"error: found no `{name}` in {searched}\n"
        "  hint: install the package from its wheel"
    )


if __name__ == "__main__":
    arguments = [str(command()), *sys.argv[1:]]
    if os.name == "nt":
        sys.exit(subprocess.run(arguments, check=False).returncode)
    os.execv(arguments[0], arguments)
