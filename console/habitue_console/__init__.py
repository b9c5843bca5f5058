"""The marketers' room. For now one page of live figures."""
