"""New rows that are like those of a class: models of tables, generators of media, and the check against copying."""
