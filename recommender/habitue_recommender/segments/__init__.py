"""Who belongs together: definitions, members as events pass, counts, samples, exports."""
