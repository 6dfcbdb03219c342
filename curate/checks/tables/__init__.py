"""What the cells and columns of tables are judged by."""
