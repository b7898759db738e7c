"""What the research bench shows people: terminal tables and self-contained HTML."""
