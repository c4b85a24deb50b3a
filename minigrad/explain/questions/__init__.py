"""What one can ask an explanation, and what it asks back."""
