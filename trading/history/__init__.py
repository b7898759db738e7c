"""Stored market history for research: Parquet files on disk, import and export. I/O without Django."""
