"""What the networks of each base-model family look like, and how they read text: as data."""
