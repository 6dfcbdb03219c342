"""What recordings are judged by: the damage to their sound and the form of their files."""
