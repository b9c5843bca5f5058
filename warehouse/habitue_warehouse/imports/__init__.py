"""What a shop brings along: its catalog as a feed, its past orders as a table."""
