"""Canaries: people who do not exist show every kind of code to a real gate, and nothing of them may be found anywhere after."""
