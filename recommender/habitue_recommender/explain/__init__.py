"""A decision in plain words, side by side with what it would be, and what a change would do."""
