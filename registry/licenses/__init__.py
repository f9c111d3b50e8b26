"""What one may do with a model. Plain Python; knows no framework."""
