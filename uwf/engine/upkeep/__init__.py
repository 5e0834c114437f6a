"""Care for a home: what dead processes left, and old layouts."""
