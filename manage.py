#!/usr/bin/env python
"""Entry point of every command. `manage.py up` starts the whole site."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] == ["up"]:
        # The supervisor needs no Django: it has the servers starting before Django would have been imported,
        # and stays small beside the processes it watches.
        from config.up.command import main as up  # noqa: PLC0415 (see above)

        sys.exit(up(sys.argv[2:]))
    from django.core.management import execute_from_command_line  # noqa: PLC0415 (see above)

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
