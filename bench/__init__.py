"""What it costs, as ratios to nginx measured in the same run, with every answer checked."""
