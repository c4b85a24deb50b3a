"""What a check says, as text, as HTML and as data."""
