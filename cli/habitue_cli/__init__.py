"""The command `habitue`: composes the rooms and imports them only when a verb needs them."""
