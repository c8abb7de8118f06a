"""The package as others install it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_the_package_and_nothing_else(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = ROOT / "plugins"
    tree = (path.relative_to(package) for path in (package / "seo_warehouse").rglob("*") if path.is_file())
    assert names == {path.as_posix() for path in tree if "__pycache__" not in path.parts}
    assert {"seo_warehouse/py.typed", "seo_warehouse/load/ops.sql", "seo_warehouse/cli.py"} <= names
