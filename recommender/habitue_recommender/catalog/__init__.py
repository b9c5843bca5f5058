"""What can be recommended: items, their shelves, likeness, and what is learnt from pages."""
