"""The lens and the light: how well the eyes see, and how a moving hand is exposed."""
