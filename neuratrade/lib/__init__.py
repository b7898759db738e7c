"""Helpers without business meaning; the only part of this package the layers below may import."""
