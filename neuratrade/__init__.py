"""The project's shell: settings, processes and everything the operator sees."""

__version__ = "0.1.0"
