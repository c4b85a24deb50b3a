"""What is checked, and what it is checked on."""
