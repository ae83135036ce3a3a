"""Features for text classifiers."""
