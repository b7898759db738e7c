"""What can go wrong with the desk's processes. Every message is one line that says what to do."""


class SuperviseError(Exception):
    """The desk cannot be started, stopped or asked. Nothing was changed; tell the operator."""


class NotRunningError(SuperviseError):
    """No desk runs on this home."""
