"""What a set as a whole is judged by: against another set, by groups of its rows, and by its size."""
