"""From the archive to an artifact: data, fitting, the judge, and when it is done by itself."""
