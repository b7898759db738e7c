"""PLUG-IN: one strategy engine per module, offered as `STRATEGY` (see `trading/protocols.py`). Its parameters live in `skills/<name>/SKILL.md`."""
