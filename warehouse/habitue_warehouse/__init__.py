"""The warehouse: what happened, kept as Parquet, open to SQL, replay and import."""
