"""Tags of the research reports."""
