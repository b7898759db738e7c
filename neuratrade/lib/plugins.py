"""Finds plug-ins: every module of a folder is imported and must offer one named object.

An import error stops start-up: a rule that silently went missing would be worse than a desk that does not start.
"""

import importlib
import pkgutil
from typing import Any


class PluginError(Exception):
    """A plug-in folder holds a module without the object it must offer. Stop and mend the file."""


def discover(package: str, attribute: str) -> dict[str, Any]:
    """Module name -> the object called `attribute` in it, for every module of `package`, sorted by name."""
    root = importlib.import_module(package)
    found: dict[str, Any] = {}
    for module_info in sorted(pkgutil.iter_modules(root.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{package}.{module_info.name}")
        if not hasattr(module, attribute):
            raise PluginError(
                f"{package}/{module_info.name}.py offers no `{attribute}`; see {package}/__init__.py"
            )
        found[module_info.name] = getattr(module, attribute)
    return found
