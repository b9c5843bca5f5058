"""The collector: beacon → event → profile, acknowledged only when Redis has it."""
