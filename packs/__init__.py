"""Playbooks, calendars and review frameworks as data; read with `importlib.resources`."""
