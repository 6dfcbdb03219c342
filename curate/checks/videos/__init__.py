"""What videos are judged by along their time."""
