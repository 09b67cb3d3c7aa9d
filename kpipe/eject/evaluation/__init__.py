"""What is measured on the test split as code."""
