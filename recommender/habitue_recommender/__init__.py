"""The recommender: from what visitors did to the offers they see."""
