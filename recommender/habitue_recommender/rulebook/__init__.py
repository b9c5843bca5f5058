"""What marketers write: rules, contents and slots as documents, kept, checked, compiled and applied."""
