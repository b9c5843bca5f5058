"""What it costs, as ratios to nginx measured in the same minute; every answer is checked. `python -m bench`."""
