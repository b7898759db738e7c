"""Django's entry point; the operator uses the `neuratrade` command instead."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "neuratrade.settings")
    from django.core.management import execute_from_command_line

    from neuratrade.lib.dates import DateError
    from neuratrade.supervise.errors import SuperviseError
    from trading.errors import TradingError

    try:
        execute_from_command_line(sys.argv)
    except (TradingError, SuperviseError, DateError) as error:  # written for the operator, one line each
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"CommandError: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
