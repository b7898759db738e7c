"""Runs the desk's processes: one table of them, kept alive by supervisord.

`processes.py` is the table, `config.py` writes it down for supervisord, `control.py` starts and stops, `orphans.py` cleans up
after a supervisor that was killed, `listener.py` tells of restarts, `status.py` says how things are, `screen.py` shows it.
"""
