"""Which column may play which role, and the columns of roles in their final types."""
